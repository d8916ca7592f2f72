"""Ingest: statuses in order, each error with its item alone, repetitions harmless, nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.gateway.harness import FaultyTextual, gateway_with, photo, taken, text_item

from scenograph.cli.compose.apps import Apps
from scenograph.gateway.answers import Outcome
from scenograph.gateway.app import GatewayApp
from scenograph.gateway.limits import Limits
from scenograph.gateway.requests import ImageSource, IngestItem, Item
from scenograph.runtime.contracts import Index, Modality, Write, WriteResult
from scenograph.scene.errors import (
    CollectionNotFound,
    DiskFull,
    DuplicateItem,
    Internal,
    InvalidImage,
    InvalidInput,
    InvalidText,
    RequestIdReused,
    ScenographError,
    Unavailable,
    UploadNotFound,
)

pytestmark = pytest.mark.pack

CAT = photo("chelsea.png")


async def feed(requests: Iterable[IngestItem], pause_s: float = 0.0) -> AsyncIterator[IngestItem]:
    for request in requests:
        yield request
        await asyncio.sleep(pause_s)


async def run(gateway: GatewayApp, requests: Iterable[IngestItem], pause_s: float = 0.0) -> list[Outcome]:
    async with aclosing(gateway.ingest(feed(requests, pause_s))) as outcomes:
        return [outcome async for outcome in outcomes]


def errors(outcomes: Sequence[Outcome]) -> list[type[ScenographError] | None]:
    return [type(outcome.error) if outcome.error is not None else None for outcome in outcomes]


@pytest.fixture
async def name(gateway: GatewayApp, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """An empty collection of the test's own."""
    name = "ingest-" + str(abs(hash(request.node.name)))[:12]
    await gateway.collections.create(name, 128)
    yield name
    await gateway.collections.delete(name)


@pytest.mark.parametrize("pause_s", [0.0, 0.01])
async def test_outcomes_come_in_the_order_of_arrival(gateway: GatewayApp, name: str, pause_s: float) -> None:
    requests = [
        IngestItem(name if place == 0 else "", text_item(f"i{place}", f"dog {place}")) for place in range(30)
    ]
    outcomes = await run(gateway, requests, pause_s)
    assert [outcome.item_id for outcome in outcomes] == [f"i{place}" for place in range(30)]
    assert taken(outcomes) == 30
    listed, _ = await gateway.collections.list_items(name, 100, "", "")
    assert [record.id for record in listed] == [f"i{place}" for place in range(30)]


async def test_an_items_error_is_its_own(gateway: GatewayApp, name: str) -> None:
    items = [
        text_item("good", "a dog"),
        Item("no-image", ImageSource(b"nothing like an image")),
        Item("truncated", ImageSource(CAT[: len(CAT) // 2])),
        Item("empty"),
        text_item("blank", "a dog", "  "),
        text_item("long", "x" * 2001),
        Item("no-upload", ImageSource(upload_id="A" * 32)),
        Item("both", ImageSource(CAT), ("a cat",), {"year": 2024.0}),
        text_item("last", "of the", "a dog without a leash"),
    ]
    outcomes = await run(gateway, [IngestItem(name, item) for item in items])
    image, text, given = InvalidImage, InvalidText, InvalidInput
    assert errors(outcomes) == [None, image, image, given, text, text, UploadNotFound, None, None]
    fields = [o.error.violations[0].field for o in outcomes if isinstance(o.error, InvalidInput)]
    assert fields == ["image", "image", "image", "texts[1]", "texts[0]"]
    both = await gateway.collections.get_item(name, "both")
    assert [(entry.modality, entry.ordinal) for entry in both.entries] == [
        (Modality.IMAGE, 0),
        (Modality.TEXT, 0),
    ]
    assert (both.entries[0].width, both.entries[0].height) == (451, 300)
    assert both.entries[1].text == "a cat"
    assert both.metadata == {"year": 2024.0}
    assert both.pack_version and both.create_time
    last = await gateway.collections.get_item(name, "last")
    assert [entry.ordinal for entry in last.entries] == [0, 1]
    assert last.entries[0].graph is not None, "a text of which no graph comes is fine"


async def test_the_first_unknown_collection_ends_the_stream_and_later_ones_do_not(
    gateway: GatewayApp, name: str
) -> None:
    good = text_item("good", "a dog")
    with pytest.raises(CollectionNotFound):
        await run(gateway, [IngestItem("nowhere", good), IngestItem(name, good)])
    with pytest.raises(InvalidInput):
        await run(gateway, [IngestItem("", good)])
    outcomes = await run(gateway, [IngestItem(n, good) for n in (name, "nowhere", name)])
    assert errors(outcomes) == [None, CollectionNotFound, None]
    assert await run(gateway, []) == []


async def test_the_same_id_again_in_a_stream_replaces_the_item(gateway: GatewayApp, name: str) -> None:
    requests = [IngestItem(name, text_item("same", f"a dog number {place}")) for place in range(5)]
    assert taken(await run(gateway, requests)) == 5
    record = await gateway.collections.get_item(name, "same")
    assert record.entries[0].text == "a dog number 4"


async def test_a_repetition_is_acknowledged_and_not_written(gateway: GatewayApp, name: str) -> None:
    request = IngestItem(name, text_item("one", "a dog"), "request-1")
    first, again = await run(gateway, [request]), await run(gateway, [request])
    assert [first[0].replayed, again[0].replayed] == [False, True]
    assert again[0].error is None and again[0].request_id == "request-1"
    other = await run(gateway, [replace(request, item=text_item("one", "a cat"))])
    assert errors(other) == [RequestIdReused]
    assert (await gateway.collections.get_item(name, "one")).entries[0].text == "a dog"


async def test_a_batch_is_idempotent_item_by_item(gateway: GatewayApp, name: str) -> None:
    items = [text_item("a", "a dog"), text_item("b", " "), text_item("c" * 256, "a cat")]
    first = await gateway.batch_ingest(name, items, "batch")
    assert errors(first) == [None, InvalidText, None]
    again = await gateway.batch_ingest(name, [items[0], text_item("b", "a cow"), items[2]], "batch")
    assert errors(again) == [None, None, None]
    assert [outcome.replayed for outcome in again] == [True, False, True]
    assert {outcome.request_id for outcome in again} == {"batch"}


async def test_an_id_twice_fails_the_whole_batch(gateway: GatewayApp, name: str) -> None:
    with pytest.raises(DuplicateItem, match="items 0 and 2"):
        await gateway.batch_ingest(name, [text_item(n, "a dog") for n in ("x", "y", "x")])
    assert await gateway.collections.list_items(name, 0, "", "") == ([], "")


@pytest.mark.parametrize("count", [0, 257])
async def test_the_size_of_a_batch_is_bounded(gateway: GatewayApp, name: str, count: int) -> None:
    with pytest.raises(InvalidInput):
        await gateway.batch_ingest(name, [text_item(str(n), "a dog") for n in range(count)])


async def test_an_upload_serves_one_item_and_its_repetition(gateway: GatewayApp, name: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(CAT), 100_000):
            yield CAT[start : start + 100_000]

    upload = await gateway.upload(chunks())
    assert upload.bytes == len(CAT)
    item = Item("cat", ImageSource(upload_id=upload.id))
    bad = await gateway.batch_ingest(name, [replace(item, texts=("",))], "r")
    assert errors(bad) == [InvalidText], "a failed request leaves the upload"
    for replayed in (False, True):
        outcomes = await gateway.batch_ingest(name, [item], "r")
        assert errors(outcomes) == [None] and outcomes[0].replayed is replayed
    assert errors(await gateway.batch_ingest(name, [item], "other")) == [UploadNotFound]


class FullDisk:
    """An index whose disk is full for the items named."""

    def __init__(self, index: Index, full: set[str], *, whole: bool = False) -> None:
        self._index = index
        self._full = full
        self._whole = whole

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)

    async def upsert(self, collection: str, writes: Sequence[Write]) -> WriteResult:
        error = DiskFull("no space left on device")
        if self._whole and any(write.record.id in self._full for write in writes):
            raise error
        kept = [write for write in writes if write.record.id not in self._full]
        result = await self._index.upsert(collection, kept) if kept else WriteResult([], [], 0)
        told = iter(result.errors)
        answers = [error if write.record.id in self._full else next(told) for write in writes]
        return WriteResult(answers, [False] * len(writes), result.version)


@pytest.mark.parametrize("whole", [False, True])
async def test_a_full_disk_is_told_item_by_item(apps: Apps, name: str, tmp_path: Path, whole: bool) -> None:
    index = FullDisk(apps.index, {"b"}, whole=whole)
    gateway = gateway_with(apps, tmp_path, index=index, limits=Limits(ingest_batch=1))  # type: ignore[arg-type]
    outcomes = await run(gateway, [IngestItem(name, text_item(n, "a dog")) for n in ("a", "b", "c")])
    assert errors(outcomes) == [None, DiskFull, None]
    listed, _ = await gateway.collections.list_items(name, 0, "", "")
    assert [record.id for record in listed] == ["a", "c"], "acknowledged is stored, refused is not"


async def test_a_service_out_of_reach_fails_items_and_not_the_stream(
    apps: Apps, name: str, tmp_path: Path
) -> None:
    textual = FaultyTextual(apps.textual)
    gateway = gateway_with(apps, tmp_path, textual=textual)

    async def requests() -> AsyncIterator[IngestItem]:
        textual.error = Unavailable("textual is away")
        yield IngestItem(name, text_item("a", "a dog"))
        await asyncio.sleep(0.05)
        textual.error = None
        yield IngestItem(name, text_item("b", "a dog"))

    async with aclosing(gateway.ingest(requests())) as outcomes:
        assert errors([outcome async for outcome in outcomes]) == [Unavailable, None]


async def test_a_bug_that_one_item_meets_is_that_items_alone(
    apps: Apps, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    textual = FaultyTextual(apps.textual)
    textual.bug_on = "a cursed dog"
    gateway = gateway_with(apps, tmp_path, textual=textual)
    items = [text_item("a", "a dog"), text_item("b", "a cursed dog"), text_item("c", "a dog")]
    outcomes = await gateway.batch_ingest(name, items)
    assert errors(outcomes) == [None, Internal, None]
    assert outcomes[1].error is not None
    assert "bug" not in outcomes[1].error.message, "what it was stands in the log alone"
    assert any(record.exc_info for record in caplog.records)


async def test_a_stream_given_up_stops_its_work(apps: Apps, name: str, tmp_path: Path) -> None:
    textual = FaultyTextual(apps.textual)
    textual.delay_s = 30
    gateway = gateway_with(apps, tmp_path, textual=textual)
    before = len(asyncio.all_tasks())
    ingest = asyncio.create_task(run(gateway, [IngestItem(name, text_item("a", "a dog"))] * 20))
    await asyncio.sleep(0.05)
    ingest.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ingest
    assert len(asyncio.all_tasks()) == before
