"""The client to await."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from types import TracebackType
from typing import Self, TypeVar, Unpack

import grpc
from grpc_health.v1 import health_pb2

from scenograph.client import answers, channel, requests
from scenograph.client.administration import AsyncAdministration
from scenograph.client.arguments import (
    Candidate,
    ImageSource,
    Item,
    ParserName,
    QueryArguments,
    SearchArguments,
)
from scenograph.client.credentials import Headers, Token, warn_if_seen
from scenograph.client.errors import ScenographError, Unavailable, from_rpc
from scenograph.client.feed import ITEM_ERRORS, WINDOW, local_failure
from scenograph.client.graphs import SceneGraph
from scenograph.client.results import (
    Collection,
    Deletion,
    Description,
    IngestStatus,
    ItemPage,
    Page,
    ServerInfo,
    StagePage,
    StoredItem,
)
from scenograph.client.tls import TLS
from scenograph.v1 import (
    admin_pb2_grpc,
    encoder_pb2,
    encoder_pb2_grpc,
    gateway_pb2,
    gateway_pb2_grpc,
    textual_pb2_grpc,
    visual_pb2_grpc,
)

Q = TypeVar("Q")
A = TypeVar("A")


class AsyncClient(AsyncAdministration):
    """`Client` for asyncio: the same methods to await, or to iterate with `async for`. Made in a loop.

    `timeout` is the deadline in seconds of each call that names none of its own. `tls` encrypts: True checks
    the server by public authorities, `TLS` by others, and may show a certificate; `credentials`, gRPC's own,
    may stand in its place. `key` is an API key; `token` gives a token, and is asked before each call.
    `metadata` is sent with every call, and so is the current trace of a program that uses OpenTelemetry. All
    methods raise `scenograph.client.errors`.
    """

    def __init__(
        self,
        address: str = channel.DEFAULT_ADDRESS,
        *,
        timeout: float = channel.DEFAULT_TIMEOUT,
        tls: TLS | bool = False,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Sequence[tuple[str, str]] = (),
        key: str | None = None,
        token: Token | None = None,
    ) -> None:
        self.address = address
        self._timeout = timeout
        self._headers = Headers(metadata, key, token)
        credentials, options = channel.secured(tls, credentials)
        warn_if_seen(address, secret=self._headers.secret, encrypted=credentials is not None)
        self._channel = (
            grpc.aio.secure_channel(address, credentials, options)
            if credentials
            else grpc.aio.insecure_channel(address, options)
        )
        self._gateway = gateway_pb2_grpc.GatewayServiceStub(self._channel)
        self._textual = textual_pb2_grpc.TextualGraphServiceStub(self._channel)
        self._visual = visual_pb2_grpc.VisualGraphServiceStub(self._channel)
        self._admin = admin_pb2_grpc.AdminServiceStub(self._channel)
        self._encoder = encoder_pb2_grpc.EncoderServiceStub(self._channel)
        self._health = self._channel.unary_unary(
            channel.HEALTH_CHECK,
            health_pb2.HealthCheckRequest.SerializeToString,
            health_pb2.HealthCheckResponse.FromString,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection."""
        await self._channel.close()

    # Collections

    async def create_collection(
        self, name: str, *, bits: int = 0, timeout: float | None = None
    ) -> Collection:
        """Make an empty collection for codes of 64, 128 or 256 bits (0: 256). Errors: CollectionExists."""
        request = gateway_pb2.CreateCollectionRequest(name=name, bits=bits)
        answer = await self._call(self._gateway.CreateCollection, request, timeout)
        return answers.collection(answer.collection)

    async def list_collections(self, *, timeout: float | None = None) -> list[Collection]:
        """All collections, by name."""
        found: list[Collection] = []
        token = ""
        while True:
            request = gateway_pb2.ListCollectionsRequest(page_token=token)
            answer = await self._call(self._gateway.ListCollections, request, timeout)
            found += map(answers.collection, answer.collections)
            token = answer.next_page_token
            if not token:
                return found

    async def delete_collection(self, name: str, *, timeout: float | None = None) -> None:
        """Remove a collection and all it holds. Errors: CollectionNotFound."""
        request = gateway_pb2.DeleteCollectionRequest(name=name)
        await self._call(self._gateway.DeleteCollection, request, timeout)

    # Items

    async def ingest(
        self,
        collection: str,
        items: Iterable[Item] | AsyncIterable[Item],
        *,
        window: int = WINDOW,
        timeout: float | None = None,
    ) -> AsyncGenerator[IngestStatus, None]:
        """Store items as a stream; yields a status for each. One bad item fails only itself.

        Items are drawn while statuses are: at most `window` are under way, so any number may be given. There
        is no deadline unless `timeout` sets one for the whole stream. To go on after a broken stream, give
        the items request ids and send them again.
        """
        slots = asyncio.Semaphore(window)
        failures: deque[IngestStatus] = deque()
        call = self._gateway.Ingest(timeout=timeout, metadata=self._headers())

        async def send() -> None:
            try:
                async for item in _each(items):
                    await slots.acquire()
                    try:
                        request = await self._ingest_request(collection, item)
                    except ITEM_ERRORS as error:
                        failures.append(local_failure(item, error))
                        slots.release()
                        continue
                    try:
                        await call.write(request)
                    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                        return  # the call has ended; reading from it says why
            finally:
                if not call.done():
                    await call.done_writing()

        sender = asyncio.create_task(send())
        try:
            async for response in call:
                slots.release()
                yield answers.ingest_status(response)
                while failures:
                    yield failures.popleft()
        except grpc.aio.AioRpcError as error:
            sender.cancel()
            raise self._translate(error, channel.GATEWAY) from error
        except BaseException:
            sender.cancel()
            raise
        finally:
            call.cancel()
            await asyncio.wait([sender])
        while failures:
            yield failures.popleft()
        await sender

    async def _ingest_request(self, collection: str, item: Item) -> gateway_pb2.IngestRequest:
        return await self._build(lambda images: requests.ingest(collection, item, images))

    async def batch_ingest(
        self, collection: str, items: Sequence[Item], *, request_id: str = "", timeout: float | None = None
    ) -> list[IngestStatus]:
        """Store up to 256 items in one call; one bad item fails only itself. Errors: DuplicateItem."""
        request = await self._build(
            lambda images: requests.batch_ingest(collection, items, request_id, images)
        )
        answer = await self._call(self._gateway.BatchIngest, request, timeout)
        return [answers.ingest_status(result) for result in answer.results]

    async def get(self, collection: str, item_id: str, *, timeout: float | None = None) -> StoredItem:
        """One item with its graphs. Errors: ItemNotFound."""
        request = gateway_pb2.GetItemRequest(collection=collection, id=item_id)
        return answers.stored_item((await self._call(self._gateway.GetItem, request, timeout)).item)

    async def list_items(
        self,
        collection: str,
        *,
        filter: str = "",
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
    ) -> AsyncGenerator[ItemPage, None]:
        """Pages of items in the order of their first writing; `timeout` is for each page."""
        while True:
            request = gateway_pb2.ListItemsRequest(
                collection=collection, filter=filter, page_size=page_size, page_token=page_token
            )
            page = answers.item_page(await self._call(self._gateway.ListItems, request, timeout))
            yield page
            page_token = page.next_page_token
            if not page_token:
                return

    async def delete(
        self, collection: str, item_ids: Sequence[str], *, timeout: float | None = None
    ) -> Deletion:
        """Remove up to 1024 items."""
        request = gateway_pb2.DeleteItemsRequest(collection=collection, ids=item_ids)
        answer = await self._call(self._gateway.DeleteItems, request, timeout)
        return Deletion(answer.deleted, tuple(answer.missing))

    # Search

    async def search(
        self,
        collection: str,
        *,
        page_token: str = "",
        timeout: float | None = None,
        **what: Unpack[SearchArguments],
    ) -> Page:
        """What answers best to `text=`, `image=`, `graph=`, `item_id=`, several of them, or `parts=`.

        Options: `SearchArguments`. A next page takes the same arguments and the last token.
        """
        request = await self._build(lambda images: requests.search(collection, what, page_token, images))
        return answers.page(await self._call(self._gateway.Search, request, timeout))

    async def search_stream(
        self, collection: str, *, timeout: float | None = None, **what: Unpack[SearchArguments]
    ) -> AsyncGenerator[StagePage, None]:
        """The first page of a search as each stage sees it: coarse hits at once, refined hits after."""
        search = await self._build(lambda images: requests.search(collection, what, "", images))
        call = self._gateway.SearchStream(
            gateway_pb2.SearchStreamRequest(search=search),
            timeout=self._timeout if timeout is None else timeout,
            metadata=self._headers(),
        )
        try:
            async for response in call:
                yield answers.stage_page(response)
        except grpc.aio.AioRpcError as error:
            raise self._translate(error, channel.GATEWAY) from error
        finally:
            call.cancel()

    async def rank(
        self,
        *,
        texts: Sequence[str] = (),
        images: Sequence[ImageSource] = (),
        candidates: Sequence[Candidate] = (),
        explain: bool = False,
        weights: Mapping[str, float] | None = None,
        level_weights: Mapping[str, float] | None = None,
        match_weights: Mapping[str, float] | None = None,
        timeout: float | None = None,
        **query: Unpack[QueryArguments],
    ) -> Page:
        """Rank texts, images or `candidates` against a query; nothing is stored. Ids are positions.

        The weights are those of `SearchArguments`.
        """
        given = [Candidate(text=text) for text in texts] + [Candidate(image=image) for image in images]
        given += candidates
        request = await self._build(
            lambda placed: requests.rank(
                query,
                given,
                explain,
                placed,
                weights=weights,
                level_weights=level_weights,
                match_weights=match_weights,
            )
        )
        return answers.ranking(await self._call(self._gateway.Rank, request, timeout))

    # Graphs and embeddings, from the services of their own at the same address

    async def parse(
        self, texts: Sequence[str], *, parser: ParserName | None = None, timeout: float | None = None
    ) -> list[SceneGraph]:
        """The scene graphs of up to 1024 sentences, by the server's default parser or the one named.

        Errors: that of the first sentence that failed; FailedPrecondition for a parser that the pack has not.
        """
        request = requests.parse(texts, parser)
        return answers.parsed(await self._call(self._textual.ParseTexts, request, timeout, channel.TEXTUAL))

    async def describe(self, image: ImageSource, *, timeout: float | None = None) -> Description:
        """The scene graph of an image of up to 12 MiB."""
        request = await asyncio.to_thread(requests.describe, image)
        return answers.description(
            await self._call(self._visual.BuildVisualGraph, request, timeout, channel.VISUAL)
        )

    async def encode_texts(
        self, texts: Sequence[str], *, timeout: float | None = None
    ) -> list[tuple[float, ...]]:
        """Embeddings of up to 1024 texts, each of length 1."""
        request = encoder_pb2.EncodeTextsRequest(texts=texts)
        answer = await self._call(self._encoder.EncodeTexts, request, timeout, channel.ENCODER)
        return answers.embeddings(answer.embeddings)

    async def encode_images(
        self, images: Sequence[ImageSource], *, timeout: float | None = None
    ) -> list[tuple[float, ...]]:
        """Embeddings of up to 64 images of 12 MiB together, each of length 1."""
        request = await asyncio.to_thread(requests.encode_images, images)
        answer = await self._call(self._encoder.EncodeImages, request, timeout, channel.ENCODER)
        return answers.embeddings(answer.embeddings)

    # The server

    async def server_info(self, *, timeout: float | None = None) -> ServerInfo:
        """What is running, and its limits."""
        request = gateway_pb2.ServerInfoRequest()
        return answers.server_info(await self._call(self._gateway.ServerInfo, request, timeout))

    async def health(self, service: str = "", *, timeout: float | None = None) -> str:
        """SERVING or NOT_SERVING: the whole server, or one service ("scenograph.v1.GatewayService")."""
        request = health_pb2.HealthCheckRequest(service=service)
        answer = await self._call(self._health, request, timeout, channel.HEALTH)
        return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)

    async def wait_until_ready(self, timeout: float = 60.0) -> None:
        """Return when the server serves. Errors: Unavailable after `timeout` seconds."""
        end = time.monotonic() + timeout
        while True:
            try:
                if await self.health(timeout=min(2.0, timeout)) == "SERVING":
                    return
                message = f"the server at {self.address} is not ready"
            except ScenographError as error:
                message = str(error)
            if time.monotonic() >= end:
                raise Unavailable(f"{message} (waited {timeout:g} s)", code=grpc.StatusCode.UNAVAILABLE)
            await asyncio.sleep(0.1)

    # How calls are made

    async def _call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Q, A],
        request: Q,
        timeout: float | None,
        service: str = channel.GATEWAY,
    ) -> A:
        try:
            return await method(
                request,
                timeout=self._timeout if timeout is None else timeout,
                metadata=self._headers(),
            )
        except grpc.aio.AioRpcError as error:
            raise self._translate(error, service) from error

    async def _build(self, build: Callable[[requests.Images], Q]) -> Q:
        images = requests.Images()
        request = await asyncio.to_thread(build, images)
        for target, data in images.waiting:
            target.upload_id = await self._upload(data)
        return request

    async def _upload(self, data: bytes) -> str:
        try:
            answer = await self._gateway.UploadImage(
                requests.chunks(data), timeout=self._timeout, metadata=self._headers()
            )
        except grpc.aio.AioRpcError as error:
            raise self._translate(error, channel.GATEWAY) from error
        return answer.upload_id

    def _translate(self, error: grpc.aio.AioRpcError, service: str) -> ScenographError:
        return from_rpc(
            error.code(), error.details(), error.trailing_metadata(), address=self.address, service=service
        )


async def _each(items: Iterable[Item] | AsyncIterable[Item]) -> AsyncIterator[Item]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
