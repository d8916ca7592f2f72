"""AdminService over gRPC: convert, call, convert."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc

from scenograph.admin.app import AdminApp
from scenograph.admin.converters import reencoding_to_pb, status_to_pb
from scenograph.v1 import admin_pb2 as pb
from scenograph.v1 import admin_pb2_grpc

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class AdminServicer(admin_pb2_grpc.AdminServiceServicer):
    """Serves an AdminApp."""

    def __init__(self, app: AdminApp) -> None:
        self._app = app

    async def LoadPack(self, request: pb.LoadPackRequest, context: Context) -> pb.LoadPackResponse:
        return pb.LoadPackResponse(pack=status_to_pb(await self._app.load(request.pack)))

    async def UnloadPack(self, request: pb.UnloadPackRequest, context: Context) -> pb.UnloadPackResponse:
        await self._app.unload(request.pack, force=request.force)
        return pb.UnloadPackResponse()

    async def SetDefaultPack(
        self, request: pb.SetDefaultPackRequest, context: Context
    ) -> pb.SetDefaultPackResponse:
        status, previous = await self._app.set_default(request.pack)
        return pb.SetDefaultPackResponse(pack=status_to_pb(status), previous_pack=previous)

    async def ListPacks(self, request: pb.ListPacksRequest, context: Context) -> pb.ListPacksResponse:
        found, token = await self._app.list(request.page_size, request.page_token)
        return pb.ListPacksResponse(packs=[status_to_pb(each) for each in found], next_page_token=token)

    async def ReencodeCollection(
        self, request: pb.ReencodeCollectionRequest, context: Context
    ) -> pb.ReencodeCollectionResponse:
        started = await self._app.reencodings.start(request.collection, request.pack)
        return pb.ReencodeCollectionResponse(reencoding=reencoding_to_pb(started))

    async def GetReencoding(
        self, request: pb.GetReencodingRequest, context: Context
    ) -> pb.GetReencodingResponse:
        found = await self._app.reencodings.get(request.collection)
        return pb.GetReencodingResponse(reencoding=reencoding_to_pb(found))

    async def ListReencodings(
        self, request: pb.ListReencodingsRequest, context: Context
    ) -> pb.ListReencodingsResponse:
        found, token = await self._app.list_reencodings(request.page_size, request.page_token)
        reencodings = [reencoding_to_pb(each) for each in found]
        return pb.ListReencodingsResponse(reencodings=reencodings, next_page_token=token)

    async def CancelReencoding(
        self, request: pb.CancelReencodingRequest, context: Context
    ) -> pb.CancelReencodingResponse:
        ended = await self._app.reencodings.cancel(request.collection)
        return pb.CancelReencodingResponse(reencoding=reencoding_to_pb(ended))
