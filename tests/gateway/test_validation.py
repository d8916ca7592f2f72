"""Requests that are refused before any work is done, each with the field at fault."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from scenograph.gateway import limits
from scenograph.gateway.requests import (
    Candidate,
    ExpressionSource,
    FusionWeights,
    GraphSource,
    ImageSource,
    Item,
    QueryPart,
    RankingOptions,
    RankRequest,
    SearchRequest,
    Stage,
    StoredSource,
    TextSource,
)
from scenograph.gateway.validation import check_item, check_rank, check_search, check_unique
from scenograph.runtime.contracts import Modality
from scenograph.scene.errors import DuplicateItem, InvalidInput
from scenograph.scene.graph import Attribute, Edge, GraphQuery, Node, SceneGraph

TEXT = QueryPart(TextSource("a dog"))
SEARCH = SearchRequest("photos", (TEXT,))


def graph(*nodes: Node, edges: tuple[Edge, ...] = ()) -> QueryPart:
    return QueryPart(GraphSource(GraphQuery(required=SceneGraph(nodes, edges))))


def test_defaults_are_filled_in() -> None:
    options = RankingOptions(Stage.UNSPECIFIED, 0, 0)
    request = SearchRequest(
        "c", (QueryPart(TextSource("x"), 0.0),), "", 0, "", Modality.UNSPECIFIED, False, options
    )
    checked = check_search(request)
    assert checked.query[0].weight == 1.0
    assert checked.page_size == 10
    assert checked.returning is Modality.IMAGE
    assert checked.options == RankingOptions(Stage.GRAPH, 1000, 100)


@pytest.mark.parametrize(
    ("part", "field"),
    [
        (QueryPart(None), ""),
        (QueryPart(TextSource(" ")), ".text"),
        (QueryPart(TextSource("x" * (limits.MAX_TEXT_CHARS + 1))), ".text"),
        (QueryPart(ImageSource()), ".image"),
        (QueryPart(ExpressionSource(" ")), ".graph_expression"),
        (QueryPart(StoredSource("")), ".item_id"),
        (QueryPart(StoredSource("x" * 257)), ".item_id"),
        (QueryPart(TextSource("x"), -1.0), ".weight"),
        (QueryPart(TextSource("x"), math.nan), ".weight"),
        (QueryPart(TextSource("x"), math.inf), ".weight"),
        (graph(), ".graph"),
        (graph(*[Node("x")] * 65), ".graph"),
        (graph(Node("x"), edges=(Edge(0, "on", 0),) * 513), ".graph"),
        (graph(Node("x" * 101)), ".graph.required.nodes[0].label"),
        (graph(Node("x", score=math.nan)), ".graph.required.nodes[0].score"),
        (graph(Node("x", attributes=(Attribute(""),))), ".graph.required.nodes[0].attributes[0].name"),
        (graph(Node("x", attributes=(Attribute("a"),) * 33)), ".graph.required.nodes[0].attributes"),
        (graph(Node("x"), edges=(Edge(0, "", 0),)), ".graph.required.edges[0].predicate"),
    ],
)
def test_bad_query_parts_are_refused(part: QueryPart, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_search(replace(SEARCH, query=(TEXT, part)))
    assert caught.value.violations[0].field == f"query.parts[1]{field}"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (replace(SEARCH, collection=""), "collection"),
        (replace(SEARCH, query=()), "query.parts"),
        (replace(SEARCH, query=(TEXT,) * 9), "query.parts"),
        (replace(SEARCH, page_size=-1), "page_size"),
        (replace(SEARCH, page_size=1001), "page_size"),
        (replace(SEARCH, options=RankingOptions(coarse_candidates=10_001)), "options.coarse_candidates"),
        (replace(SEARCH, options=RankingOptions(graph_candidates=10_001)), "options.graph_candidates"),
        (replace(SEARCH, options=RankingOptions(weights=FusionWeights(0, 0, 0))), "options.weights"),
        (replace(SEARCH, options=RankingOptions(weights=FusionWeights(1, -1, 0))), "options.weights.cosine"),
        (
            replace(SEARCH, options=RankingOptions(weights=FusionWeights(1, 1, math.nan))),
            "options.weights.graph",
        ),
    ],
)
def test_bad_searches_are_refused(request_: SearchRequest, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_search(request_)
    assert caught.value.violations[0].field == field


@pytest.mark.parametrize(
    ("query", "candidates", "field"),
    [
        ((TEXT,), (), "candidates"),
        ((TEXT,), (Candidate("", TextSource("x")),) * 257, "candidates"),
        ((TEXT,), (Candidate("", None),), "candidates[0]"),
        ((TEXT,), (Candidate("", TextSource("x")), Candidate("", TextSource(""))), "candidates[1].text"),
        ((TEXT,), (Candidate("", ImageSource()),), "candidates[0].image"),
        ((QueryPart(StoredSource("a")),), (Candidate("", TextSource("x")),), "query.parts[0].item_id"),
    ],
)
def test_bad_ranks_are_refused(
    query: tuple[QueryPart, ...], candidates: tuple[Candidate, ...], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_rank(RankRequest(query, candidates))
    assert caught.value.violations[0].field == field


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (Item("", texts=("x",)), "id"),
        (Item("x" * 257, texts=("x",)), "id"),
        (Item("a"), "image"),
        (Item("a", ImageSource()), "image"),
        (Item("a", texts=("x",) * 65), "texts"),
        (Item("a", texts=("x", "\n")), "texts[1]"),
        (Item("a", texts=("x" * 2001,)), "texts[0]"),
        (Item("a", texts=("x",), metadata={"k": "v" * 65_536}), "metadata"),
        (Item("a", texts=("x",), metadata={"k": [{"deep": math.inf}]}), "metadata"),
    ],
)
def test_bad_items_are_refused(item: Item, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_item(item)
    assert caught.value.violations[0].field == field


def test_an_id_twice_in_a_batch_is_told_with_both_positions() -> None:
    items = [Item(name, texts=("x",)) for name in ("a", "b", "c", "b")]
    with pytest.raises(DuplicateItem, match="items 1 and 3") as caught:
        check_unique(items)
    assert caught.value.violations[0].field == "items[3].id"
