"""Re-encodings: what is refused before they begin, what ends them, what the collection is then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.gateway.harness import (
    ask,
    engine_with,
    folder_index,
    gateway_of,
    pack_info,
    photo,
    taken,
    text_item,
)

from scenograph.cli.compose.apps import Apps
from scenograph.gateway.engine import Engine
from scenograph.gateway.entries import Made
from scenograph.gateway.limits import Limits
from scenograph.gateway.reencoding import Reencoder
from scenograph.gateway.requests import ImageSource, Item
from scenograph.runtime.packs import Packs
from scenograph.runtime.reencoding import Reencoding, ReencodingState
from scenograph.scene.errors import (
    CollectionNotFound,
    FailedPrecondition,
    ImagesNotKept,
    InvalidInput,
    PackMismatch,
    PackNotLoaded,
    ReencodingNotFound,
)

OTHER = "default@9.9.9"


@pytest.fixture
def packs(apps: Apps, tmp_path: Path) -> Packs[Engine]:
    """The served pack, and one that no service answers with."""
    packs: Packs[Engine] = Packs()
    for info in (pack_info(apps), pack_info(apps, OTHER)):
        packs.add(info.version, engine_with(apps, tmp_path, pack=info))
    return packs


@pytest.fixture
async def reencoder(apps: Apps, packs: Packs[Engine]) -> AsyncIterator[Reencoder]:
    reencoder = Reencoder(packs, apps.index, folder_index(apps), packs.quiet)
    yield reencoder
    await reencoder.close()


async def ended(reencoder: Reencoder, collection: str) -> Reencoding:
    async with asyncio.timeout(60):
        await asyncio.gather(*reencoder.running())
    return await reencoder.get(collection)


async def test_images_that_were_not_kept_are_told_before_anything_begins(
    apps: Apps, packs: Packs[Engine], reencoder: Reencoder, tmp_path: Path
) -> None:
    forgetful = gateway_of(apps, packs, tmp_path, limits=Limits(keep_images=False))
    await forgetful.collections.create("unkept", 0)
    items = [Item("cat", ImageSource(photo("chelsea.png"))), text_item("words", "a cat")]
    assert taken(await forgetful.batch_ingest("unkept", items)) == 2
    with pytest.raises(ImagesNotKept, match=r"1 items of 'unkept'.*keep_images"):
        await reencoder.start("unkept", OTHER)
    with pytest.raises(ReencodingNotFound):
        await reencoder.get("unkept")
    keeping = gateway_of(apps, packs, tmp_path, limits=Limits())
    assert taken(await keeping.batch_ingest("unkept", items[:1])) == 1
    assert (await reencoder.start("unkept", OTHER)).total == 2
    await ended(reencoder, "unkept")


async def test_what_fails_leaves_the_collection_as_it_was(
    apps: Apps, packs: Packs[Engine], reencoder: Reencoder, tmp_path: Path
) -> None:
    gateway = gateway_of(apps, packs, tmp_path)
    await gateway.collections.create("failing", 0)
    items = [text_item(f"t{n}", f"a dog and {n} cats") for n in range(12)]
    assert taken(await gateway.batch_ingest("failing", items)) == 12
    await reencoder.start("failing", OTHER)
    found = await ended(reencoder, "failing")
    assert found.state is ReencodingState.FAILED and isinstance(found.error, PackMismatch)
    assert found.end_time is not None
    assert (await gateway.search(ask("a dog", collection="failing"))).report.pack_version != OTHER
    assert taken(await gateway.batch_ingest("failing", [text_item("more", "a horse")])) == 1
    cancelled = await reencoder.cancel("failing")
    assert cancelled.state is ReencodingState.CANCELLED
    assert "failing" not in [left.collection for left in await folder_index(apps).unfinished()]


async def test_a_cancelled_one_ends_and_is_forgotten(
    apps: Apps, packs: Packs[Engine], tmp_path: Path
) -> None:
    gateway = gateway_of(apps, packs, tmp_path)
    await gateway.collections.create("endless", 0)
    assert taken(await gateway.batch_ingest("endless", [text_item("t", "a dog")])) == 1
    never = asyncio.Event()

    engine = engine_with(apps, tmp_path, pack=pack_info(apps, "default@8.8.8"))

    async def make(*_: object) -> tuple[list[Made], list[Made]]:
        await never.wait()
        return [], []

    engine.maker.make = make  # type: ignore[assignment, method-assign]
    packs.add("default@8.8.8", engine)
    reencoder = Reencoder(packs, apps.index, folder_index(apps), packs.quiet)
    await reencoder.start("endless", "default@8.8.8")
    assert reencoder.packs() == {"default@8.8.8"}
    again = await reencoder.start("endless", "default@8.8.8")
    assert again.state is ReencodingState.RUNNING
    with pytest.raises(FailedPrecondition, match=r"default@8\.8\.8; cancel"):
        await reencoder.start("endless", OTHER)
    await asyncio.sleep(0.3)  # it is inside by now, or will be cancelled before
    assert (await reencoder.cancel("endless")).state is ReencodingState.CANCELLED
    assert reencoder.packs() == set()
    await reencoder.start("endless", "default@8.8.8")
    assert (await reencoder.cancel("endless")).state is ReencodingState.CANCELLED  # before its first step
    assert taken(await gateway.batch_ingest("endless", [text_item("u", "a cat")])) == 1
    await reencoder.close()


async def test_what_cannot_begin(
    apps: Apps, packs: Packs[Engine], reencoder: Reencoder, tmp_path: Path
) -> None:
    await gateway_of(apps, packs, tmp_path).collections.create("begun", 0)
    with pytest.raises(InvalidInput, match="already"):
        await reencoder.start("begun", "")
    with pytest.raises(PackNotLoaded):
        await reencoder.start("begun", "default@7.7.7")
    with pytest.raises(CollectionNotFound):
        await reencoder.start("nowhere", OTHER)
    with pytest.raises(ReencodingNotFound):
        await reencoder.cancel("begun")
