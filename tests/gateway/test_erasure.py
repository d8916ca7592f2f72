"""What is removed is gone from everywhere: the index's files, Redis, and what processes keep."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.gateway.harness import (
    ask,
    engine_with,
    folder_index,
    gateway_of,
    gateway_with,
    ids,
    photo,
    stored,
    taken,
)
from tests.redis_process import RedisProcess
from tests.serving import serving_one

from scenograph.cli.compose.apps import Apps
from scenograph.gateway.app import GatewayApp
from scenograph.gateway.engine import Engine
from scenograph.gateway.limits import Limits
from scenograph.gateway.requests import ImageSource, Item
from scenograph.gateway.sent import SentAnswers
from scenograph.gateway.servicer import GatewayServicer
from scenograph.gateway.uploads import Uploads
from scenograph.runtime.cache.redis import RedisCache
from scenograph.runtime.contracts import Modality
from scenograph.runtime.packs import Packs
from scenograph.v1 import common_pb2
from scenograph.v1 import gateway_pb2 as pb
from scenograph.v1 import gateway_pb2_grpc as pb_grpc

pytestmark = pytest.mark.pack

SERVICE = "scenograph.v1.GatewayService"
TEXT = "zebrafinch wanders past seventeen umbrellas"
NOTE = "quicksilver-note"
ITEM = "zebrafinch-one"
ITEMS = [
    Item(ITEM, None, (TEXT,), {"note": NOTE}),
    *(Item(f"other{n}", None, (f"a brown dog number {n} runs",), {"note": f"n{n}"}) for n in range(6)),
]
REQUEST = ask("a zebrafinch and umbrellas", collection="erased", returning=Modality.TEXT, page_size=2)


def dump(redis: RedisProcess) -> bytes:
    """Every key and value that Redis holds."""
    parts = []
    with socket.create_connection(("127.0.0.1", redis.port), timeout=10) as connection:
        with connection.makefile("rwb") as stream:

            def ask_redis(*words: bytes) -> object:
                stream.write(b"*%d\r\n" % len(words))
                stream.writelines(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
                stream.flush()
                return reply()

            def reply() -> object:
                kind, rest = (line := stream.readline().rstrip(b"\r\n"))[:1], line[1:]
                if kind == b"*":
                    return [reply() for _ in range(int(rest))]
                if kind != b"$":
                    return rest
                return stream.read(int(rest) + 2)[:-2] if int(rest) >= 0 else b""

            keys = ask_redis(b"KEYS", b"*")
            assert isinstance(keys, list)
            for key in keys:
                value = ask_redis(b"GET", key)
                assert isinstance(key, bytes) and isinstance(value, bytes)
                parts += [key, value]
    return b"\n".join(parts)


def kept_in_process(gateway: GatewayApp, sent: SentAnswers, apps: Apps) -> bytes:
    """All that the process keeps of a collection: rankings, answers, graphs, columns of metadata."""
    with gateway._engines.use() as engine:
        rankings = [repr(entry.ranking) for entry in engine.kept._entries.values()]
    reader = folder_index(apps)._opened.store("erased").reader
    columns = [list(column._dictionary) for column in reader.view.table.columns._scalars.values()]
    graphs = list(reader.graphs._graphs.values())
    answers = b"".join(stored.value for stored in sent._kept._entries.values())
    return answers + repr((rankings, columns, graphs)).encode()


@pytest.fixture
async def cache(redis_process: RedisProcess) -> AsyncIterator[RedisCache]:
    made = RedisCache(redis_process.url, retry_s=0.05, timeout_s=2)
    yield made
    await made.close()


@pytest.fixture
async def gateway(apps: Apps, cache: RedisCache, tmp_path: Path) -> AsyncIterator[GatewayApp]:
    """A gateway with a real Redis, and a collection that has been searched in every way."""
    gateway = gateway_with(apps, tmp_path, cache=cache)
    await gateway.collections.create("erased", 0)
    assert taken(await gateway.batch_ingest("erased", ITEMS)) == len(ITEMS)
    yield gateway
    if "erased" in [found.name for found in (await gateway.collections.list(0, ""))[0]]:
        await gateway.collections.delete("erased")


async def searched(gateway: GatewayApp) -> list[str]:
    """Ids on the first page of several searches, the item's own among them."""
    found = []
    for request in (
        REQUEST,
        replace(REQUEST, explain=True),
        replace(REQUEST, filter='note = "quicksilver-note"'),
    ):
        found += ids(await gateway.search(request))
    like = ask(stored(ITEM), collection="erased", returning=Modality.TEXT, page_size=5)
    return found + ids(await gateway.search(like))


async def test_no_trace_is_left_of_a_removed_item(
    gateway: GatewayApp, apps: Apps, redis_process: RedisProcess
) -> None:
    assert ITEM in await searched(gateway)
    sent = SentAnswers(gateway, max_bytes=2**22)
    async with serving_one(
        SERVICE,
        lambda server: pb_grpc.add_GatewayServiceServicer_to_server(GatewayServicer(gateway, sent), server),
    ) as channel:
        stub: pb_grpc.GatewayServiceAsyncStub = pb_grpc.GatewayServiceStub(channel)
        part = pb.QueryPart(text="an umbrella")
        message = pb.SearchRequest(
            collection="erased", query=pb.Query(parts=[part]), returning=common_pb2.MODALITY_TEXT
        )
        assert ITEM in {hit.item_id for hit in (await stub.Search(message)).hits}
        before = kept_in_process(gateway, sent, apps)
        assert all(secret.encode() in before for secret in (ITEM, TEXT, NOTE, "umbrella"))
        assert ITEM.encode() in dump(redis_process)
        result = await stub.DeleteItems(pb.DeleteItemsRequest(collection="erased", ids=[ITEM, "nobody"]))
        assert (result.deleted, list(result.missing)) == (1, ["nobody"])
        left = dump(redis_process)
        assert not any(secret.encode() in left for secret in (ITEM, TEXT, NOTE))
        folder = apps.parts.settings.data_dir / "index" / "collections" / "erased"
        for _ in range(500):  # upkeep comes round every second
            left = await asyncio.to_thread(raw, folder) + kept_in_process(gateway, sent, apps)
            if not any(secret.encode() in left for secret in (TEXT, NOTE)):
                break
            await asyncio.sleep(0.02)
        assert not any(secret.encode() in left for secret in (TEXT, NOTE))
        assert ITEM.encode() not in kept_in_process(gateway, sent, apps)
        assert ITEM not in {hit.item_id for hit in (await stub.Search(message)).hits}


def raw(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_who_pages_goes_on(gateway: GatewayApp) -> None:
    """The pages neither repeat nor drop another item."""
    first = await gateway.search(REQUEST)
    whole = ids(await gateway.search(replace(REQUEST, page_size=20)))
    gone = next(item for item in whole if item not in ids(first))
    await gateway.collections.delete_items("erased", [gone])
    pages = [first]
    while pages[-1].next_page_token:
        pages.append(await gateway.search(replace(REQUEST, page_token=pages[-1].next_page_token)))
    assert [item for page in pages for item in ids(page)] == [item for item in whole if item != gone]


async def test_no_trace_is_left_of_a_removed_collection(
    gateway: GatewayApp, redis_process: RedisProcess
) -> None:
    await gateway.collections.create("stays", 0)
    kept = replace(REQUEST, collection="stays")
    await gateway.batch_ingest("stays", ITEMS[1:])
    await gateway.search(kept)
    await searched(gateway)
    before = dump(redis_process)
    await gateway.collections.delete("erased")
    left = dump(redis_process)
    assert ITEM.encode() in before and ITEM.encode() not in left
    assert b"other3" in left, "what belongs to another collection stays"
    assert (await gateway.search(kept)).report.cache.name == "HIT"
    await gateway.collections.delete("stays")


async def test_a_redis_that_is_away_is_emptied_when_it_is_back(
    gateway: GatewayApp, cache: RedisCache, redis_process: RedisProcess
) -> None:
    await searched(gateway)
    redis_process.suspend()
    await gateway.collections.delete_items("erased", [ITEM])
    assert cache.bypassed
    redis_process.resume()
    for _ in range(500):
        if not cache.bypassed:
            break
        await asyncio.sleep(0.02)
    assert ITEM.encode() not in dump(redis_process)


class Slow:
    """An index whose searches wait for `go`."""

    def __init__(self, inner: object) -> None:
        self._inner = inner
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def search(self, *args: object) -> object:
        answer = await self._inner.search(*args)  # type: ignore[attr-defined]
        self.begun.set()
        await self.go.wait()
        return answer


def gateway_before(index: Slow, apps: Apps, cache: RedisCache, folder: Path) -> GatewayApp:
    engine = engine_with(apps, folder, cache=cache, index=index)  # type: ignore[arg-type]
    packs: Packs[Engine] = Packs()
    packs.add(engine.pack.version, engine)
    return gateway_of(apps, packs, folder, cache=cache, index=index)  # type: ignore[arg-type]


async def test_a_search_under_way_keeps_nothing_of_what_goes_meanwhile(
    gateway: GatewayApp, apps: Apps, cache: RedisCache, redis_process: RedisProcess, tmp_path: Path
) -> None:
    slow = Slow(apps.index)
    behind = gateway_before(slow, apps, cache, tmp_path / "slow")
    search = asyncio.create_task(behind.search(REQUEST))
    await slow.begun.wait()
    await behind.collections.delete_items("erased", [ITEM])
    slow.go.set()
    pages = [await search]
    assert ITEM not in ids(pages[0])
    assert ITEM.encode() not in dump(redis_process)
    while pages[-1].next_page_token:  # who asked then pages on, all the same
        pages.append(await behind.search(replace(REQUEST, page_token=pages[-1].next_page_token)))
    left = await gateway.search(replace(REQUEST, page_size=20))
    assert [item for page in pages for item in ids(page)] == ids(left)


async def test_a_search_under_way_of_a_collection_that_goes_is_not_kept(
    gateway: GatewayApp, apps: Apps, cache: RedisCache, redis_process: RedisProcess, tmp_path: Path
) -> None:
    slow = Slow(apps.index)
    behind = gateway_before(slow, apps, cache, tmp_path / "slow")
    search = asyncio.create_task(behind.search(REQUEST))
    await slow.begun.wait()
    await behind.collections.delete("erased")
    slow.go.set()
    await asyncio.gather(search, return_exceptions=True)
    assert b"other3" not in dump(redis_process)


async def test_uploads_of_an_item_go_with_it(gateway: GatewayApp, tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield photo("rocket.jpg")

    upload = await gateway.upload(chunks())
    item = Item("rocket", ImageSource(upload_id=upload.id), (), {})
    for _ in range(2):
        assert taken(await gateway.batch_ingest("erased", [item], "again")) == 1
    kept = await asyncio.to_thread(lambda: list(tmp_path.glob("*.used-*")))
    assert len(kept) == 1, "for a repetition of the request"
    await gateway.collections.delete_items("erased", ["other1"])
    assert kept == await asyncio.to_thread(lambda: list(tmp_path.glob("*.used-*")))
    await gateway.collections.delete_items("erased", ["rocket"])
    assert not await asyncio.to_thread(lambda: list(tmp_path.glob("*.used-*")))


async def test_uploads_are_encrypted_where_there_is_a_key(tmp_path: Path) -> None:
    content = b"the whole of a large image " * 5000

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 40_000):
            yield content[start : start + 40_000]

    uploads = Uploads(tmp_path, Limits(), [bytes(32)])
    upload = await uploads.receive(chunks())
    assert upload.bytes == len(content)
    (file,) = tmp_path.iterdir()  # noqa: ASYNC240
    raw = file.read_bytes()
    assert b"large image" not in raw
    assert await uploads.read(upload.id) == content
    assert await Uploads(tmp_path, Limits(), [bytes(range(32)), bytes(32)]).read(upload.id) == content
    for damaged in (raw[:100] + b"x" + raw[101:], raw[:-1]):
        file.write_bytes(damaged)
        with pytest.raises(Exception, match="no finished upload"):
            await uploads.read(upload.id)
    file.write_bytes(raw)
    with pytest.raises(Exception, match="no finished upload"):
        await Uploads(tmp_path, Limits(), [bytes(range(32))]).read(upload.id)
