"""The learned agreement: who is compared with whom, and that units that travelled give the same score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scenograph.index.records import pack, unpack_graph
from scenograph.matching.learned import Learned, learned_matches
from scenograph.matching.mixing import DOUBT, SHOWN, USUAL, WEIGHTS, mixed
from scenograph.nn.unit_matcher import UnitMatcher
from scenograph.runtime.contracts import Entry, MatchWeights, Modality, Record
from scenograph.runtime.converters import graph_from_pb, graph_to_pb
from scenograph.scene.alignment import Alignment, NodeMatch
from scenograph.scene.graph import Edge, Node, SceneGraph
from scenograph.scene.units import GraphUnits, UnitKind

SIZE = 16
SAID = SceneGraph((Node("dog"), Node("ball")), (Edge(0, "chasing", 1),))
SEEN = SceneGraph((Node("animal"), Node("person")))


def _vectors(count: int, seed: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, SIZE))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def said(seed: int, relations: int = 1) -> SceneGraph:
    kinds = [UnitKind.OBJECT] * 2 + [UnitKind.RELATION] * relations + [UnitKind.SCENE]
    weights = np.random.default_rng(seed).random(len(kinds)) + 0.5
    nodes = [0, 1, *range(relations), -1]
    return replace(SAID, units=GraphUnits.quantised(_vectors(len(kinds), seed), weights, kinds, nodes))


def seen(seed: int, cells: int = 3) -> SceneGraph:
    kinds = [UnitKind.OBJECT] + [UnitKind.CELL] * cells + [UnitKind.SCENE]
    boxes = np.tile(np.array([0.1, 0.2, 0.3, 0.4], dtype=np.float32), (len(kinds), 1))
    units = GraphUnits.quantised(
        _vectors(len(kinds), 100 + seed), np.ones(len(kinds)), kinds, [1] + [-1] * (cells + 1), boxes
    )
    return replace(SEEN, units=units)


def infer(feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    with torch.no_grad():
        found = UnitMatcher(-3.0, 3.0)(*(torch.from_numpy(values) for values in feeds.values()))
    return {name: value.numpy() for name, value in zip(("score", "best", "place"), found, strict=True)}


def slow(text: SceneGraph, image: SceneGraph) -> float:
    assert text.units is not None and image.units is not None
    total = 0.0
    for vector, weight, kind in zip(
        text.units.dequantised(), text.units.weights, text.units.kinds, strict=True
    ):
        level = [
            float(vector @ other)
            for other, own in zip(image.units.dequantised(), image.units.kinds, strict=True)
            if (own == UnitKind.SCENE) == (kind == UnitKind.SCENE)
        ]
        total += float(weight) * max(level)
    return min(max((total + 3) / 6, 0), 1)


def scores(found: list[Learned | None]) -> list[float]:
    return [match.score for match in found if match is not None]


@pytest.mark.parametrize("turned", [False, True])
def test_both_ways_of_searching_give_the_score_of_the_pair(turned: bool) -> None:
    texts, images = [said(seed, seed) for seed in (1, 0)], [seen(seed, 2 + seed) for seed in range(3)]
    query, candidates = (images[0], texts) if turned else (texts[0], images)
    pairs = [(text, images[0]) for text in texts] if turned else [(texts[0], image) for image in images]
    found = learned_matches(query, candidates, infer)
    assert scores(found) == pytest.approx([slow(*pair) for pair in pairs], abs=1e-5)
    for match, (text, image) in zip(found, pairs, strict=True):
        assert match is not None and text.units is not None and image.units is not None
        assert len(match.best) == len(match.place) == len(text.units)
        assert match.place.max() < len(image.units)


def test_only_a_sentence_and_an_image_are_compared() -> None:
    assert learned_matches(said(0), [said(1), SEEN, seen(0)], infer)[:2] == [None, None]
    assert learned_matches(seen(0), [seen(1)], infer) == [None]
    assert learned_matches(SAID, [seen(1)], infer) == [None]


def test_units_that_travelled_give_the_same_score() -> None:
    text, image = said(5), seen(5)
    sent = graph_from_pb(graph_to_pb(image))
    entry = Entry(Modality.IMAGE, graph=image, embedding=np.ones(4, np.float32), code=np.zeros(8, np.uint8))
    kept = unpack_graph(pack(Record("a", (entry,), "default@1"), b"").graphs[0])
    assert kept is not None
    there = graph_from_pb(graph_to_pb(text))
    assert scores(learned_matches(there, [image, sent, kept], infer)) == scores(
        learned_matches(text, [image, image, image], infer)
    )


PLAIN = Alignment(score=0.4, objects=0.5, attributes=1, relations=0, symbolic=0.4)
FOUND = Learned(0.9, np.array([0.8, SHOWN - 0.1, 0.9, 0.9], np.float32), np.array([0, 1, 1, 4]))


def test_scores_are_mixed_by_weight() -> None:
    text, image = said(0), seen(0)
    own = mixed(PLAIN, FOUND, text, image, MatchWeights(1, 3), explain=False)
    assert own.score == pytest.approx((0.9 + 3 * 0.4) / 4)
    assert (own.learned, own.symbolic, own.node_matches) == (0.9, 0.4, ())
    assert mixed(PLAIN, FOUND, text, image, MatchWeights(0, 1), explain=False).score == pytest.approx(0.4)
    assert mixed(PLAIN, None, text, image, WEIGHTS, explain=True) == PLAIN


def test_of_sentences_who_says_more_has_met_more() -> None:
    text, image = said(0), seen(0)

    def score(symbolic: float, told: float) -> float:
        alignment = replace(PLAIN, symbolic=symbolic)
        return mixed(alignment, FOUND, image, text, MatchWeights(0, 1), told=told, explain=False).score

    assert score(1.0, 0.4) < score(0.75, 4.0) < score(1.0, 4.0)
    assert score(0.1, 0.4) > score(0.1, 4.0)
    assert score(1.0, DOUBT) == pytest.approx((1.0 + USUAL) / 2)
    assert score(0.7, 1e9) == pytest.approx(0.7)


def test_objects_without_a_label_get_the_place_of_their_unit() -> None:
    (match,) = mixed(PLAIN, FOUND, said(0), seen(0), WEIGHTS, explain=True).node_matches
    assert (match.query_node, match.query_label, match.candidate_node) == (0, "dog", 1)
    assert match.box is not None and match.box.x0 == pytest.approx(0.1)
    already = replace(PLAIN, node_matches=(NodeMatch(0, 1, "dog", "person", 0.7),))
    assert mixed(already, FOUND, said(0), seen(0), WEIGHTS, explain=True).node_matches == already.node_matches
