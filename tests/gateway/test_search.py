"""Searches over real models and a real index: every kind of query, every option, and a slow oracle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.gateway.harness import (
    PHOTOS,
    SENTENCES,
    ask,
    gateway_with,
    graph,
    ids,
    image,
    pack_info,
    stored,
    text_item,
)

from scenograph.cli.compose.apps import Apps
from scenograph.gateway.answers import CacheStatus
from scenograph.gateway.app import GatewayApp
from scenograph.gateway.requests import (
    FusionWeights,
    GraphSource,
    ImageSource,
    RankingOptions,
    SearchRequest,
    Source,
    Stage,
)
from scenograph.runtime.contracts import Modality
from scenograph.scene.errors import (
    CollectionNotFound,
    InvalidFilter,
    InvalidGraphQuery,
    InvalidImage,
    InvalidInput,
    ItemNotFound,
    PackMismatch,
)
from scenograph.scene.graph import GraphQuery, Node, SceneGraph

pytestmark = pytest.mark.pack

CAT = SceneGraph((Node("cat"),))


@pytest.mark.parametrize(
    "source",
    ["a cat", image("chelsea.png"), graph("(cat)"), GraphSource(GraphQuery(optional=CAT)), stored("cat")],
    ids=["text", "image", "expression", "graph", "item"],
)
async def test_every_kind_of_query_finds_the_cat(gateway: GatewayApp, source: str | Source) -> None:
    page = await gateway.search(ask(source, explain=True))
    hit = page.hits[0]
    assert hit.item_id == "cat"
    assert hit.modality is Modality.IMAGE
    assert hit.metadata["kind"] == "photo"
    assert hit.alignment is not None and hit.alignment.node_matches
    assert hit.graph is not None and hit.graph.nodes
    assert page.report.query_graph is not None and page.report.query_graph.nodes
    assert not page.report.degraded


async def test_a_search_agrees_with_a_slow_obvious_one(apps: Apps, gateway: GatewayApp) -> None:
    text = "a man with a brown dog on the beach"
    records, _ = await apps.index.list_items("photos", page_size=1000)
    entries = [(r.id, e) for r in records for e in r.entries if e.modality is Modality.TEXT]
    vector = (await apps.encoder.encode_texts([text])).vectors[0]
    hashed = await apps.hashing.hash(vector[np.newaxis], include_projections=True)
    assert hashed.projections is not None
    code, sure = hashed.codes[0], np.abs(hashed.projections[0])
    (parsed,) = (await apps.textual.parse([text])).results
    assert isinstance(parsed, SceneGraph)
    graphs = [entry.graph or SceneGraph() for _, entry in entries]
    matched = await apps.matching.match(GraphQuery(optional=parsed), graphs)
    expected = {}
    for (item_id, entry), alignment in zip(entries, matched.alignments, strict=True):
        assert entry.code is not None and entry.embedding is not None
        coarse = 1 - np.unpackbits(entry.code ^ code) @ sure / sure.sum()
        cosine = float(entry.embedding @ vector)
        expected[item_id] = 0.1 * coarse + 0.6 * cosine + 0.3 * alignment.score
    page = await gateway.search(ask(text, returning=Modality.TEXT, page_size=100))
    assert len(page.hits) == len(expected) == len(SENTENCES) + len(PHOTOS)
    for hit, score in zip(page.hits, sorted(expected.values(), reverse=True), strict=True):
        assert hit.score == pytest.approx(expected[hit.item_id], abs=1e-5)
        assert hit.score == pytest.approx(score, abs=1e-5)


async def test_texts_are_found_one_by_one(gateway: GatewayApp) -> None:
    page = await gateway.search(ask("a brown dog runs at the beach", returning=Modality.TEXT, page_size=3))
    assert page.hits[0].text == "a brown dog runs at the beach"
    assert page.hits[0].ordinal == 0
    assert {hit.modality for hit in page.hits} == {Modality.TEXT}


@pytest.mark.parametrize("expression", ["(cat)", "(cat), not (motorcycle)", "(motorcycle)"])
async def test_required_parts_are_met_by_every_hit(gateway: GatewayApp, expression: str) -> None:
    page = await gateway.search(ask(graph(expression), explain=True, page_size=100))
    assert page.hits, expression
    assert len(page.hits) < len(PHOTOS)
    for hit in page.hits:
        assert hit.alignment is not None and hit.alignment.satisfied
        assert hit.parts.stage is Stage.GRAPH


async def test_what_is_forbidden_is_left_out_and_the_rest_is_there(gateway: GatewayApp) -> None:
    page = await gateway.search(ask(graph("not (cat)"), page_size=100))
    assert set(ids(page)) == set(PHOTOS) - {"cat"}
    nothing = await gateway.search(ask(graph("(cat), not (cat)")))
    assert nothing.hits == [] and nothing.next_page_token == ""
    assert nothing.report.graph_candidates == len(PHOTOS)


async def test_a_hard_part_of_a_mix_stays_hard(gateway: GatewayApp) -> None:
    page = await gateway.search(ask("a cat", (graph("not (cat)"), 1.0), page_size=100))
    assert set(ids(page)) == set(PHOTOS) - {"cat"}


async def test_weights_of_a_mix_decide_what_comes_first(gateway: GatewayApp) -> None:
    parts = image("chelsea.png"), image("motorcycle_left.png")
    for weights, first in (((9.0, 1.0), "cat"), ((1.0, 9.0), "motorcycle")):
        page = await gateway.search(ask(parts[0], (parts[1], weights[1]), weight=weights[0], explain=True))
        assert page.hits[0].item_id == first
        alignment, whole = page.hits[0].alignment, page.report.query_graph
        assert alignment is not None and whole is not None
        for match in alignment.node_matches:
            assert whole.nodes[match.query_node].name == match.query_label or match.query_label


async def test_the_filter_is_inside_the_search(gateway: GatewayApp) -> None:
    page = await gateway.search(ask("a cat", filter="place >= 2"))
    assert set(ids(page)) == {"coffee", "motorcycle", "rocket"}
    assert page.report.considered == 3


async def test_the_coarse_stage_alone_ranks_by_distance(gateway: GatewayApp) -> None:
    options = RankingOptions(last_stage=Stage.COARSE)
    page = await gateway.search(ask("a cat", options=options, explain=True))
    coarse = [hit.parts.coarse for hit in page.hits]
    assert coarse == sorted(coarse, reverse=True) == [hit.score for hit in page.hits]
    assert {hit.parts.stage for hit in page.hits} == {Stage.COARSE}
    assert {hit.alignment for hit in page.hits} == {None}
    assert (page.report.float_candidates, page.report.graph_candidates) == (0, 0)


async def test_the_float_stage_alone_ranks_by_cosine(gateway: GatewayApp) -> None:
    options = RankingOptions(last_stage=Stage.FLOAT, weights=FusionWeights(0, 1, 1))
    page = await gateway.search(ask("a cat", options=options))
    cosine = [hit.parts.cosine for hit in page.hits]
    assert cosine == sorted(cosine, reverse=True) == pytest.approx([hit.score for hit in page.hits])
    assert {hit.parts.stage for hit in page.hits} == {Stage.FLOAT}
    assert (page.report.float_candidates, page.report.graph_candidates) == (len(PHOTOS), 0)


async def test_only_the_best_candidates_are_matched_and_the_rest_follow(gateway: GatewayApp) -> None:
    request = ask("a dog on a bench", returning=Modality.TEXT, page_size=100)
    page = await gateway.search(replace(request, options=RankingOptions(graph_candidates=4)))
    assert [hit.parts.stage for hit in page.hits] == [Stage.GRAPH] * 4 + [Stage.FLOAT] * (len(page.hits) - 4)
    assert {hit.parts.graph for hit in page.hits[4:]} == {0.0}
    scores = [hit.score for hit in page.hits]
    assert scores == sorted(scores, reverse=True)
    assert page.report.graph_candidates == 4
    kept = await gateway.search(replace(request, options=RankingOptions(coarse_candidates=6)))
    assert len(kept.hits) == 6 and kept.next_page_token == ""
    assert kept.report.coarse_candidates == 6


async def test_the_weights_of_the_request_are_used(gateway: GatewayApp) -> None:
    for weights, part in (
        (FusionWeights(1, 0, 0), "coarse"),
        (FusionWeights(0, 2, 0), "cosine"),
        (FusionWeights(0, 0, 3), "graph"),
    ):
        page = await gateway.search(ask("a cup of coffee", options=RankingOptions(weights=weights)))
        assert [getattr(hit.parts, part) for hit in page.hits] == pytest.approx([h.score for h in page.hits])


async def test_a_hit_and_a_miss_answer_the_same(gateway: GatewayApp) -> None:
    request = ask("a woman in a space suit", explain=True)
    miss, hit = await gateway.search(request), await gateway.search(request)
    bypass = await gateway.search(replace(request, options=RankingOptions(bypass_cache=True)))
    told = [page.report.cache for page in (miss, hit, bypass)]
    assert told == [CacheStatus.MISS, CacheStatus.HIT, CacheStatus.BYPASS]
    for other in (hit, bypass):
        assert ids(other) == ids(miss)
        assert [h.score for h in other.hits] == pytest.approx([h.score for h in miss.hits], abs=1e-6)
        assert [h.alignment for h in other.hits] == [h.alignment for h in miss.hits]
    plain = await gateway.search(replace(request, explain=False, page_size=2))
    assert plain.report.cache is CacheStatus.HIT, "explanations and page sizes do not change the ranking"


async def test_a_write_makes_the_cached_answer_stale(apps: Apps, gateway: GatewayApp) -> None:
    await gateway.collections.create("stale", 64)
    request = ask("a dog", collection="stale", returning=Modality.TEXT)
    assert (await gateway.search(request)).hits == []
    await gateway.batch_ingest("stale", [text_item("one", "a dog")])
    page = await gateway.search(request)
    assert ids(page) == ["one"]
    assert page.report.cache is CacheStatus.MISS


async def test_stages_are_timed(gateway: GatewayApp) -> None:
    page = await gateway.search(ask("an astronaut smiles", explain=True))
    timings = page.report.timings
    assert {"textual", "encode", "hash", "search", "match", "page", "explain", "total"} <= set(timings)
    assert all(0 <= spent <= timings["total"] + 1 for name, spent in timings.items() if "." not in name)
    assert page.report.collection_version > 0


async def test_a_staged_search_ends_with_the_same_page(gateway: GatewayApp) -> None:
    request = ask("a rocket in the night sky", explain=True, page_size=3)
    pages = [page async for page in gateway.search_stream(request)]
    assert [page.stage for page in pages] == [Stage.COARSE, Stage.FLOAT, Stage.GRAPH]
    assert [page.final for page in pages] == [False, False, True]
    assert [page.page.next_page_token != "" for page in pages] == [False, False, True]
    for page in pages[:2]:
        assert {hit.parts.stage for hit in page.page.hits} == {page.stage}
    whole = await gateway.search(request)
    assert whole.hits == [] or ids(whole) == ids(pages[-1].page)
    assert [hit.alignment for hit in whole.hits] == [hit.alignment for hit in pages[-1].page.hits]
    again = [page async for page in gateway.search_stream(request)]
    assert [page.final for page in again] == [True], "a kept ranking comes at once"
    assert again[0].page.report.cache is CacheStatus.HIT


async def test_the_fields_of_a_staged_search_are_told_from_its_own_message(gateway: GatewayApp) -> None:
    for request, field in (
        (ask(" "), "search.query.parts[0].text"),
        (ask("a cat", page_token="x"), "search.page_token"),
        (ask("a cat", filter="place >="), "search.filter"),
    ):
        with pytest.raises(InvalidInput) as caught:
            [page async for page in gateway.search_stream(request)]
        assert caught.value.violations[0].field == field


BAD: list[tuple[SearchRequest, type[Exception], str]] = [
    (ask("a cat", collection="nowhere"), CollectionNotFound, "nowhere"),
    (ask("a cat", filter="place >="), InvalidFilter, "filter|expected|value"),
    (ask(graph("(cat")), InvalidGraphQuery, "expected"),
    (ask(stored("nobody")), ItemNotFound, "nobody"),
]


@pytest.mark.parametrize(("request_", "error", "words"), BAD)
async def test_bad_searches(
    gateway: GatewayApp, request_: SearchRequest, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await gateway.search(request_)


async def test_a_malformed_graph_query_is_told_with_its_place(gateway: GatewayApp) -> None:
    with pytest.raises(InvalidGraphQuery) as caught:
        await gateway.search(ask("a cat", (graph("(cat)-[on]->"), 1.0)))
    assert caught.value.position == 12
    assert caught.value.violations[0].field == "query.parts[1].graph_expression"


async def test_a_query_with_very_many_objects(gateway: GatewayApp) -> None:
    long = "a dog and a cat and " * 90
    page = await gateway.search(ask(long, explain=True))
    assert page.report.query_graph is not None and len(page.report.query_graph.nodes) == 64
    assert page.hits[0].parts.stage is Stage.GRAPH
    with pytest.raises(InvalidInput, match="65 nodes") as caught:
        await gateway.search(ask(graph(", ".join(["(dog)"] * 65))))
    assert caught.value.violations[0].field == "query.parts[0].graph_expression"


async def test_a_bad_image_is_told_with_its_part(gateway: GatewayApp) -> None:
    with pytest.raises(InvalidImage) as caught:
        await gateway.search(ask("a cat", (ImageSource(b"no image"), 1.0)))
    assert caught.value.violations[0].field == "query.parts[1].image"


async def test_another_packs_collection_is_refused_with_both_versions(
    apps: Apps, gateway: GatewayApp, tmp_path: Path
) -> None:
    other = gateway_with(apps, tmp_path, pack=pack_info(apps, "default@9.9.9"))
    await other.collections.create("foreign", 0)
    ours = apps.parts.pack.id
    with pytest.raises(PackMismatch, match=f"default@9.9.9.*{ours}"):
        await gateway.search(ask("a cat", collection="foreign"))
    with pytest.raises(PackMismatch, match=r"default@9\.9\.9"):
        await gateway.batch_ingest("foreign", [text_item("one", "a dog")])
    with pytest.raises(PackMismatch, match=f"{ours}.*default@9.9.9"):
        await other.search(ask("a cat", collection="foreign"))
