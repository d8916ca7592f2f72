"""AdminService over gRPC: convert, call, convert."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc

from scenograph.admin.app import AdminApp
from scenograph.admin.converters import status_to_pb
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
        return pb.ListPacksResponse(packs=[status_to_pb(status) for status in await self._app.list()])
