"""Pages: each item once, in one order, whatever is written meanwhile; tokens for one search only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gateway.harness import UNCACHED, ask, gateway_with, graph, ids, pack_info, photo, taken, text_item

from scenograph.cli.compose.apps import Apps
from scenograph.gateway.answers import CacheStatus, SearchPage
from scenograph.gateway.app import GatewayApp
from scenograph.gateway.limits import Limits
from scenograph.gateway.requests import ImageSource, RankingOptions, SearchRequest
from scenograph.runtime.cache.memory import NoCache
from scenograph.runtime.contracts import Entry, Modality, Record, Write
from scenograph.scene.errors import InvalidPageToken, PageTokenExpired
from scenograph.scene.graph import Node, SceneGraph

pytestmark = pytest.mark.pack

GRAPH = SceneGraph((Node("dog"),))


async def whole(gateway: GatewayApp, request: SearchRequest) -> list[str]:
    """The items of all pages, one page after the other."""
    page = await gateway.search(request)
    found = ids(page)
    while page.next_page_token:
        page = await gateway.search(replace(request, page_token=page.next_page_token))
        found += ids(page)
    return found


async def write(apps: Apps, collection: str, names: list[str], seed: int, graph: SceneGraph = GRAPH) -> None:
    """Records with embeddings of the seed's own, past the models."""
    size = pack_info(apps).embedding_size
    vectors = np.random.default_rng(seed).normal(size=(len(names), size)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    codes = (await apps.hashing.hash(vectors)).codes
    writes = [
        Write(
            Record(
                name,
                (Entry(Modality.IMAGE, graph=graph, embedding=vector, code=code, width=1, height=1),),
                apps.parts.pack.id,
            )
        )
        for name, vector, code in zip(names, vectors, codes, strict=True)
    ]
    assert not any((await apps.index.upsert(collection, writes)).errors)


@pytest.fixture(scope="session")
async def pager(apps: Apps, tmp_path_factory: pytest.TempPathFactory) -> GatewayApp:
    return gateway_with(apps, tmp_path_factory.mktemp("uploads"))


changes = st.lists(st.tuples(st.sampled_from(["add", "update", "delete"]), st.integers(0, 39)), max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 40), st.lists(changes, max_size=6), st.integers(0, 10_000), st.booleans())
async def test_pages_never_repeat_or_drop_an_item(
    apps: Apps, pager: GatewayApp, size: int, between: list[list[tuple[str, int]]], seed: int, bypass: bool
) -> None:
    name = "moving"
    collection = await pager.collections.create(name, 0)
    names = [f"i{number:02}" for number in range(40)]
    await write(apps, name, names, seed)
    request = ask(
        "a dog",
        collection=name,
        page_size=size,
        options=RankingOptions(graph_candidates=10, bypass_cache=bypass),
    )
    first = await pager.search(request)
    order = await whole(pager, request)
    assert sorted(order) == names, "a quiet collection is paged through whole"
    assert order[: len(first.hits)] == ids(first)
    gone: set[str] = set()
    seen, page = ids(first), first
    for step in range(100):
        if not page.next_page_token:
            break
        for kind, number in between[step] if step < len(between) else []:
            if kind == "delete":
                await apps.index.delete(name, [names[number]])
                if names[number] not in seen:
                    gone.add(names[number])
            elif kind == "update" and names[number] not in gone:
                await write(apps, name, [names[number]], seed + step + 1)
            else:
                await write(apps, name, [f"new{number}"], seed + step + 1)
        page = await pager.search(replace(request, page_token=page.next_page_token))
        assert len(page.hits) <= size
        seen += ids(page)
    assert seen == [item for item in order if item not in gone]
    await pager.collections.delete(name)
    assert collection.name == name


async def test_hard_parts_are_decided_for_more_candidates_than_a_search_carries_graphs(
    apps: Apps, pager: GatewayApp
) -> None:
    await pager.collections.create("many", 0)
    names = [f"i{number:04}" for number in range(1100)]
    await write(apps, "many", names[:600], 1)
    await write(apps, "many", names[600:], 2, SceneGraph((Node("cat"),)))
    options = RankingOptions(coarse_candidates=2000)
    request = ask(graph("(dog), not (cat)"), collection="many", page_size=1000, options=options)
    page = await pager.search(request)
    assert sorted(ids(page)) == names[:600]
    assert page.report.graph_candidates == 1100


async def test_an_update_shows_as_it_is(apps: Apps, pager: GatewayApp) -> None:
    await pager.collections.create("updated", 0)
    items = [text_item(f"t{number}", f"dog number {number}", "a second text") for number in range(4)]
    assert taken(await pager.batch_ingest("updated", items)) == 4
    request = ask("dog", collection="updated", page_size=2, returning=Modality.TEXT)
    first = await pager.search(request)
    await pager.batch_ingest("updated", [text_item(f"t{number}", "cat") for number in range(4)])
    rest = await pager.search(replace(request, page_token=first.next_page_token, page_size=10))
    assert {hit.text for hit in rest.hits} == {"cat"}, "texts that are gone are left out, others as they are"


async def test_explanations_may_begin_on_any_page(pager: GatewayApp, gateway: GatewayApp) -> None:
    request = ask("a cat", page_size=2)
    first = await gateway.search(request)
    second = await gateway.search(replace(request, page_token=first.next_page_token, explain=True))
    assert all(hit.alignment is not None for hit in second.hits)
    assert second.report.cache is CacheStatus.HIT


@pytest.mark.parametrize(
    "other",
    [
        {"filter": "place >= 0"},
        {"returning": Modality.TEXT},
        {"options": RankingOptions(coarse_candidates=50)},
        {"options": UNCACHED},
        {"collection": "elsewhere"},
    ],
    ids=str,
)
async def test_a_token_belongs_to_one_search(gateway: GatewayApp, other: dict[str, object]) -> None:
    await _ensure(gateway, "elsewhere")
    request = ask("a cat", page_size=2)
    token = (await gateway.search(request)).next_page_token
    with pytest.raises(InvalidPageToken, match="another search"):
        await gateway.search(replace(request, page_token=token, **other))  # type: ignore[arg-type]
    with pytest.raises(InvalidPageToken, match="another search"):
        await gateway.search(replace(ask("a dog", page_size=2), page_token=token))
    with pytest.raises(InvalidPageToken):
        await gateway.search(replace(request, page_token="made up"))


async def _ensure(gateway: GatewayApp, name: str) -> None:
    collections, _ = await gateway.collections.list(0, "")
    if name not in [collection.name for collection in collections]:
        await gateway.collections.create(name, 0)


async def test_an_evicted_ranking_is_made_anew_where_nothing_changed_and_else_expired(
    apps: Apps, tmp_path: Path
) -> None:
    gateway = gateway_with(apps, tmp_path, cache=NoCache(), limits=Limits(kept_hits=30))
    await gateway.collections.create("evicted", 0)
    await write(apps, "evicted", [f"i{number:02}" for number in range(20)], 7)
    request = ask("a dog", collection="evicted", page_size=8)
    first = await gateway.search(request)

    async def evict() -> None:
        await gateway.search(ask("a cat", collection="evicted"))

    await evict()
    second = await gateway.search(replace(request, page_token=first.next_page_token))
    assert second.report.cache is CacheStatus.MISS
    third = await gateway.search(replace(request, page_token=second.next_page_token))
    assert len({*ids(first), *ids(second), *ids(third)}) == 20
    await evict()
    await write(apps, "evicted", ["new"], 8)
    with pytest.raises(PageTokenExpired):
        await gateway.search(replace(request, page_token=first.next_page_token))


async def test_a_collection_of_the_same_name_is_another(apps: Apps, pager: GatewayApp) -> None:
    async def fill(seed: int) -> SearchPage:
        await pager.collections.create("namesake", 0)
        await write(apps, "namesake", [f"i{number}" for number in range(9)], seed)
        return await pager.search(request)

    request = ask("a dog", collection="namesake", page_size=4)
    first = await fill(1)
    await pager.collections.delete("namesake")
    again = await fill(2)
    assert again.report.cache is CacheStatus.MISS
    with pytest.raises(PageTokenExpired):
        await pager.search(replace(request, page_token=first.next_page_token))


async def test_an_uploaded_query_is_used_up_and_its_pages_go_on(gateway: GatewayApp) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield photo("chelsea.png")

    upload = await gateway.upload(chunks())
    request = ask(ImageSource(upload_id=upload.id), page_size=2, explain=True)
    first = await gateway.search(request)
    assert ids(first)[0] == "cat"
    second = await gateway.search(replace(request, page_token=first.next_page_token))
    assert len(second.hits) == 2 and second.hits[0].alignment is not None
