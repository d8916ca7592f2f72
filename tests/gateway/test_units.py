"""Units on their way: made by the services, stored, matched on both sides, and not told to clients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from tests.gateway.harness import UNCACHED, FaultyTextual, ask, gateway_with, image, photo, taken

from scenograph.cli.compose.apps import Apps
from scenograph.gateway import converters as convert
from scenograph.gateway.app import GatewayApp
from scenograph.gateway.requests import Candidate, ImageSource, Item, RankingOptions, RankRequest
from scenograph.matching.app import MatchingApp
from scenograph.runtime.contracts import (
    MatchBatch,
    Matching,
    MatchWeights,
    Parser,
    TextBatch,
    VisualBatch,
    VisualGraph,
    VisualGraphs,
)
from scenograph.scene.errors import FailedPrecondition
from scenograph.scene.graph import GraphQuery, Node, SceneGraph
from scenograph.scene.units import GraphUnits, UnitKind

pytestmark = pytest.mark.pack

PHOTO = GraphUnits.quantised(np.eye(3, dtype=np.float32), np.ones(3), [UnitKind.CELL] * 3, [-1] * 3)
TEXT = GraphUnits.quantised(np.ones((1, 3), np.float32), [1], [UnitKind.SCENE], [-1])


class UnitVisual:
    """The visual service of a pack that makes units; here they are always the same."""

    def __init__(self, inner: VisualGraphs) -> None:
        self._inner = inner

    async def build(
        self, images: Sequence[bytes], *, include_features: bool = False, include_units: bool = False
    ) -> VisualBatch:
        batch = await self._inner.build(images, include_features=include_features)
        if not include_units:
            return batch
        results = [
            replace(result, graph=replace(result.graph, units=PHOTO))
            if isinstance(result, VisualGraph)
            else result
            for result in batch.results
        ]
        return replace(batch, results=results)


class UnitTextual(FaultyTextual):
    """The textual service of such a pack."""

    async def parse(
        self, texts: Sequence[str], *, parser: Parser = Parser.UNSPECIFIED, include_units: bool = False
    ) -> TextBatch:
        batch = await self.inner.parse(texts, parser=parser)
        if not include_units:
            return batch
        results = [
            replace(result, units=TEXT) if isinstance(result, SceneGraph) else result
            for result in batch.results
        ]
        return replace(batch, results=results)


@dataclass
class Seen:
    """What the matching service was asked."""

    query: GraphQuery
    candidates: Sequence[SceneGraph]
    weights: MatchWeights | None


class Watching:
    """A matching service that notes what it is asked."""

    def __init__(self, inner: Matching) -> None:
        self._inner = inner
        self.seen: list[Seen] = []

    async def match(
        self,
        query: GraphQuery,
        candidates: Sequence[SceneGraph],
        *,
        explain: bool = False,
        weights: MatchWeights | None = None,
    ) -> MatchBatch:
        self.seen.append(Seen(query, candidates, weights))
        plain = [replace(candidate, units=None) for candidate in candidates]
        bare = GraphQuery(optional=replace(query.optional, units=None), required=query.required)
        return await self._inner.match(bare, plain, explain=explain)


@pytest.fixture
def matching(apps: Apps) -> Watching:
    return Watching(apps.matching)


@pytest.fixture
async def with_units(apps: Apps, matching: Watching, tmp_path: Path) -> GatewayApp:
    """A gateway over services that make units, with one photo and its caption in `units`."""
    gateway = gateway_with(
        apps,
        tmp_path,
        visual=UnitVisual(apps.visual),
        textual=UnitTextual(apps.textual),
        matching=matching,
    )
    if "units" not in [one.name for one in (await gateway.collections.list(0, ""))[0]]:
        await gateway.collections.create("units", 0)
    item = Item("cat", ImageSource(photo("chelsea.png")), ("a cat looks",))
    assert taken(await gateway.batch_ingest("units", [item])) == 1
    return gateway


async def test_units_of_both_sides_meet(with_units: GatewayApp, matching: Watching) -> None:
    weights = MatchWeights(0.5, 0.5)
    options = replace(UNCACHED, match_weights=weights)
    for source, units in (("a cat", TEXT), (image("chelsea.png"), PHOTO)):
        matching.seen.clear()
        page = await with_units.search(ask(source, collection="units", options=options, explain=True))
        assert page.hits and page.hits[0].graph is not None
        for seen in matching.seen:  # the ranking, then the explanation
            assert seen.query.optional.units == units and seen.weights == weights
            assert [graph.units for graph in seen.candidates] == [PHOTO]
        assert len(matching.seen) == 2


async def test_a_cached_query_keeps_its_units(with_units: GatewayApp, matching: Watching) -> None:
    for _ in range(2):
        options = RankingOptions(match_weights=MatchWeights(1, len(matching.seen)))
        await with_units.search(ask("a cat that sleeps", collection="units", options=options))
    assert [seen.query.optional.units for seen in matching.seen] == [TEXT, TEXT]


async def test_rank_compares_units(with_units: GatewayApp, matching: Watching) -> None:
    candidates = (Candidate("a", image("chelsea.png")),)
    request = RankRequest(ask("a cat").query, candidates, explain=True, match_weights=MatchWeights(1, 0))
    await with_units.rank(request)
    (seen,) = matching.seen
    assert (seen.query.optional.units, seen.candidates[0].units) == (TEXT, PHOTO)
    assert seen.weights == MatchWeights(1, 0)


async def test_clients_are_shown_no_units(with_units: GatewayApp) -> None:
    page = convert.page_to_pb(await with_units.search(ask("a cat", collection="units", explain=True)))
    (hit,) = page.hits
    assert hit.graph.tags and not hit.graph.HasField("units")
    assert page.report.query_graph.nodes and not page.report.query_graph.HasField("units")
    record = await with_units.collections.get_item("units", "cat")
    assert [entry.graph.units if entry.graph else None for entry in record.entries] == [PHOTO, TEXT]
    item = convert.stored_item_to_pb(record, graphs=True)
    assert item.image_graph.tags and not item.image_graph.HasField("units")
    assert item.text_graphs[0].nodes and not item.text_graphs[0].HasField("units")


async def test_the_learned_part_alone_of_a_pack_that_learned_none(apps: Apps) -> None:
    graph = SceneGraph((Node("cat"),))
    untrained = MatchingApp(apps.parts.sessions, apps.parts.words, apps.parts.vocabulary)
    with pytest.raises(FailedPrecondition, match="no learned matcher"):
        await untrained.match(GraphQuery(optional=graph), [graph], weights=MatchWeights(1, 0))
    batch = await untrained.match(GraphQuery(optional=graph), [graph], weights=MatchWeights(1, 1))
    (alignment,) = batch.alignments
    assert alignment.learned is None and alignment.score == alignment.symbolic > 0.9
