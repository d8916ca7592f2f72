"""The learned and the symbolic agreement of two graphs as one alignment."""

from __future__ import annotations

from dataclasses import replace

from scenograph.matching.learned import Learned, is_seen
from scenograph.runtime.contracts import MatchWeights
from scenograph.scene.alignment import Alignment, NodeMatch
from scenograph.scene.graph import Box, SceneGraph
from scenograph.scene.units import UnitKind

WEIGHTS = MatchWeights(learned=0.5, symbolic=0.5)
"""Of a pack that says nothing of it. The learned matcher knows photographs like those it was trained on, the
symbolic one whatever the detector, the classifier and the vocabulary name.
"""
USUAL = 0.35
"""The symbolic agreement of a sentence with photographs that it was not said of."""
DOUBT = 4.0
"""Things that one of several sentences must name for its agreement to count half, half being what is usual.
Chosen with USUAL on captioned photographs: without it a photo's best sentences are those that say the least.
"""
SHOWN = 0.45
"""The least cosine at which a unit shows where an object is."""


def mixed(
    alignment: Alignment,
    learned: Learned | None,
    query: SceneGraph,
    candidate: SceneGraph,
    weights: MatchWeights,
    *,
    told: float | None = None,
    explain: bool,
) -> Alignment:
    """The alignment with the learned agreement; without one it stays symbolic alone.

    Where sentences are candidates, `told` is how much this one tells (`Matcher.told`): the less, the nearer
    to USUAL its symbolic agreement counts. So "a man", which any man meets in full, is no better an answer
    than a sentence of four things of which a photo shows three.

    With `explain`, objects of a sentence for which no label was found get the place of the unit that shows
    them best.
    """
    if learned is None:
        return alignment
    total = weights.learned + weights.symbolic
    symbolic = alignment.symbolic
    if told is not None:
        symbolic = (told * symbolic + DOUBT * USUAL) / (told + DOUBT)
    score = (weights.learned * learned.score + weights.symbolic * symbolic) / total
    alignment = replace(alignment, score=score, learned=learned.score)
    said, seen = query.units, candidate.units
    if not explain or said is None or seen is None or not is_seen(seen):
        return alignment
    return _placed(alignment, learned, query, candidate)


def _placed(alignment: Alignment, learned: Learned, query: SceneGraph, candidate: SceneGraph) -> Alignment:
    said, seen = query.units, candidate.units
    assert said is not None and seen is not None and seen.boxes is not None
    met = {match.query_node for match in alignment.node_matches}
    found = []
    for unit in range(len(said)):
        node = int(said.nodes[unit])
        if said.kinds[unit] != UnitKind.OBJECT or said.weights[unit] <= 0 or node < 0 or node in met:
            continue
        if learned.best[unit] < SHOWN:
            continue
        place = int(learned.place[unit])
        box = Box(*(float(side) for side in seen.boxes[place]))
        other = int(seen.nodes[place])
        label = candidate.nodes[other].label if other >= 0 else ""
        similarity = round(min(float(learned.best[unit]), 1.0), 4)
        found.append(NodeMatch(node, other, query.nodes[node].label, label, similarity, box=box))
        met.add(node)
    matches = sorted((*alignment.node_matches, *found), key=lambda match: match.query_node)
    return replace(alignment, node_matches=tuple(matches))
