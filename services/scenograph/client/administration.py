"""The admin service's calls, for both clients: packs loaded and switched, collections re-encoded."""

from __future__ import annotations

from typing import TypeVar

import grpc

from scenograph.client import channel
from scenograph.client.packs import LoadedPack, Reencoding, loaded_pack, reencoding
from scenograph.v1 import admin_pb2, admin_pb2_grpc

Q = TypeVar("Q")
A = TypeVar("A")

LOAD_TIMEOUT = 600.0
"""Seconds: reading, verifying and warming a pack takes a while, and so may the calls that hold one."""


class Administration:
    """What `Client` can ask of the admin service."""

    _admin: admin_pb2_grpc.AdminServiceStub

    def _call(
        self, method: grpc.UnaryUnaryMultiCallable[Q, A], request: Q, timeout: float | None, service: str
    ) -> A:
        raise NotImplementedError

    def load_pack(self, pack: str, *, timeout: float = LOAD_TIMEOUT) -> LoadedPack:
        """Load an installed pack, "name" or "name@version", beside the others; returns when ready.

        It goes on where `timeout` ends the wait. Errors: PackNotFound, PackCorrupt.
        """
        request = admin_pb2.LoadPackRequest(pack=pack)
        answer = self._call(self._admin.LoadPack, request, timeout, channel.ADMIN)
        return loaded_pack(answer.pack)

    def unload_pack(self, pack: str, *, force: bool = False, timeout: float = LOAD_TIMEOUT) -> None:
        """Free a pack's memory, once the calls that began with it have ended.

        Errors: PackNotLoaded; PackInUse (the default; without `force` one whose codes collections hold).
        """
        request = admin_pb2.UnloadPackRequest(pack=pack, force=force)
        self._call(self._admin.UnloadPack, request, timeout, channel.ADMIN)

    def set_default_pack(self, pack: str, *, timeout: float | None = None) -> str:
        """Serve with a loaded pack what begins from now on and names none; the id of the default until now.

        The same call with that id rolls back. Errors: PackNotLoaded.
        """
        request = admin_pb2.SetDefaultPackRequest(pack=pack)
        answer = self._call(self._admin.SetDefaultPack, request, timeout, channel.ADMIN)
        return answer.previous_pack

    def list_packs(self, *, timeout: float | None = None) -> list[LoadedPack]:
        """The packs in the server's memory, by id."""
        found: list[LoadedPack] = []
        token = ""
        while True:
            request = admin_pb2.ListPacksRequest(page_token=token)
            answer = self._call(self._admin.ListPacks, request, timeout, channel.ADMIN)
            found += map(loaded_pack, answer.packs)
            token = answer.next_page_token
            if not token:
                return found

    def reencode_collection(
        self, collection: str, pack: str = "", *, timeout: float | None = None
    ) -> Reencoding:
        """Begin to make a collection anew with a loaded pack, else the default one, in the background.

        Errors: CollectionNotFound, PackNotLoaded, ImagesNotKept, FailedPrecondition (one to another
        pack runs).
        """
        request = admin_pb2.ReencodeCollectionRequest(collection=collection, pack=pack)
        answer = self._call(self._admin.ReencodeCollection, request, timeout, channel.ADMIN)
        return reencoding(answer.reencoding)

    def get_reencoding(self, collection: str, *, timeout: float | None = None) -> Reencoding:
        """How far a collection's re-encoding is. Errors: ReencodingNotFound."""
        request = admin_pb2.GetReencodingRequest(collection=collection)
        answer = self._call(self._admin.GetReencoding, request, timeout, channel.ADMIN)
        return reencoding(answer.reencoding)

    def list_reencodings(self, *, timeout: float | None = None) -> list[Reencoding]:
        """The last re-encoding of each collection that has had one."""
        found: list[Reencoding] = []
        token = ""
        while True:
            request = admin_pb2.ListReencodingsRequest(page_token=token)
            answer = self._call(self._admin.ListReencodings, request, timeout, channel.ADMIN)
            found += map(reencoding, answer.reencodings)
            token = answer.next_page_token
            if not token:
                return found

    def cancel_reencoding(self, collection: str, *, timeout: float | None = None) -> Reencoding:
        """End a re-encoding; the collection stays as it is. Errors: ReencodingNotFound."""
        request = admin_pb2.CancelReencodingRequest(collection=collection)
        answer = self._call(self._admin.CancelReencoding, request, timeout, channel.ADMIN)
        return reencoding(answer.reencoding)


class AsyncAdministration:
    """What `AsyncClient` can ask of the admin service."""

    _admin: admin_pb2_grpc.AdminServiceAsyncStub

    async def _call(
        self, method: grpc.aio.UnaryUnaryMultiCallable[Q, A], request: Q, timeout: float | None, service: str
    ) -> A:
        raise NotImplementedError

    async def load_pack(self, pack: str, *, timeout: float = LOAD_TIMEOUT) -> LoadedPack:
        """Load an installed pack, "name" or "name@version", beside the others; returns when ready.

        It goes on where `timeout` ends the wait. Errors: PackNotFound, PackCorrupt.
        """
        request = admin_pb2.LoadPackRequest(pack=pack)
        answer = await self._call(self._admin.LoadPack, request, timeout, channel.ADMIN)
        return loaded_pack(answer.pack)

    async def unload_pack(self, pack: str, *, force: bool = False, timeout: float = LOAD_TIMEOUT) -> None:
        """Free a pack's memory, once the calls that began with it have ended.

        Errors: PackNotLoaded; PackInUse (the default; without `force` one whose codes collections hold).
        """
        request = admin_pb2.UnloadPackRequest(pack=pack, force=force)
        await self._call(self._admin.UnloadPack, request, timeout, channel.ADMIN)

    async def set_default_pack(self, pack: str, *, timeout: float | None = None) -> str:
        """Serve with a loaded pack what begins from now on and names none; the id of the default until now.

        The same call with that id rolls back. Errors: PackNotLoaded.
        """
        request = admin_pb2.SetDefaultPackRequest(pack=pack)
        answer = await self._call(self._admin.SetDefaultPack, request, timeout, channel.ADMIN)
        return answer.previous_pack

    async def list_packs(self, *, timeout: float | None = None) -> list[LoadedPack]:
        """The packs in the server's memory, by id."""
        found: list[LoadedPack] = []
        token = ""
        while True:
            request = admin_pb2.ListPacksRequest(page_token=token)
            answer = await self._call(self._admin.ListPacks, request, timeout, channel.ADMIN)
            found += map(loaded_pack, answer.packs)
            token = answer.next_page_token
            if not token:
                return found

    async def reencode_collection(
        self, collection: str, pack: str = "", *, timeout: float | None = None
    ) -> Reencoding:
        """Begin to make a collection anew with a loaded pack, else the default one, in the background.

        Errors: CollectionNotFound, PackNotLoaded, ImagesNotKept, FailedPrecondition (one to another
        pack runs).
        """
        request = admin_pb2.ReencodeCollectionRequest(collection=collection, pack=pack)
        answer = await self._call(self._admin.ReencodeCollection, request, timeout, channel.ADMIN)
        return reencoding(answer.reencoding)

    async def get_reencoding(self, collection: str, *, timeout: float | None = None) -> Reencoding:
        """How far a collection's re-encoding is. Errors: ReencodingNotFound."""
        request = admin_pb2.GetReencodingRequest(collection=collection)
        answer = await self._call(self._admin.GetReencoding, request, timeout, channel.ADMIN)
        return reencoding(answer.reencoding)

    async def list_reencodings(self, *, timeout: float | None = None) -> list[Reencoding]:
        """The last re-encoding of each collection that has had one."""
        found: list[Reencoding] = []
        token = ""
        while True:
            request = admin_pb2.ListReencodingsRequest(page_token=token)
            answer = await self._call(self._admin.ListReencodings, request, timeout, channel.ADMIN)
            found += map(reencoding, answer.reencodings)
            token = answer.next_page_token
            if not token:
                return found

    async def cancel_reencoding(self, collection: str, *, timeout: float | None = None) -> Reencoding:
        """End a re-encoding; the collection stays as it is. Errors: ReencodingNotFound."""
        request = admin_pb2.CancelReencodingRequest(collection=collection)
        answer = await self._call(self._admin.CancelReencoding, request, timeout, channel.ADMIN)
        return reencoding(answer.reencoding)
