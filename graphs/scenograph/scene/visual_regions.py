"""Objects and places that a classifier's dense map shows: concepts, how certain they are, and where."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scenograph.scene.graph import Box
from scenograph.scene.visual_taxonomy import Taxonomy

FloatArray = NDArray[np.float32]

MIN_CERTAINTY = 0.12
# Certainty to probability, by logistic regression on whether captions of 1000 photos name the concept.
_SLOPE, _OFFSET = 1.4, 1.87
SPECIFIC = 0.6  # a more specific concept must keep this part of the general one's certainty
MAX_REGIONS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """How much of the classifier's belief goes to each concept.

    A concept's belief is the sum over its classes, so that "dog" is certain where no single breed is. `image`
    (K,) is
    the mean of the pooled belief and of the cells' average: of the simple combinations tried on captioned
    photos it
    ranked the concepts that captions name best. `certain` (K,) is what of it goes beyond chance, the share of
    the
    classes that the concept has (118 of 1000 are dogs).
    """

    cells: FloatArray
    image: FloatArray
    certain: FloatArray

    @classmethod
    def of(cls, probabilities: FloatArray, cells: FloatArray, taxonomy: Taxonomy) -> Evidence:
        """Shapes: probabilities (C,), cells (h, w, C) -> concepts (K,), cells (h, w, K)."""
        concept_cells = taxonomy.beliefs(cells)
        image = (taxonomy.beliefs(probabilities) + concept_cells.mean(axis=(0, 1))) / 2
        certain = np.clip((image - taxonomy.chance) / (1 - taxonomy.chance), 0.0, 1.0)
        return cls(concept_cells, image.astype(np.float32), certain.astype(np.float32))

    def inside(self, box: Box) -> FloatArray:
        """Belief in each concept in a box: the mean over the cells it covers.  Shapes: -> (K,)."""
        height, width = self.cells.shape[:2]
        weight = np.outer(_cover(box.y0, box.y1, height), _cover(box.x0, box.x1, width))
        return np.asarray(np.tensordot(weight / weight.sum(), self.cells, axes=2), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Region:
    """A concept, its probability, and the box of the cells that show it."""

    name: str
    score: float
    box: Box


def find_regions(evidence: Evidence, taxonomy: Taxonomy, skip: frozenset[str]) -> list[Region]:
    """The most specific concepts that are certain enough, best first; none is a kind of another.

    `skip`: concepts too general to say anything. Source of the idea: Deng et al. 2012, "Hedging your bets".
    """
    certain = {
        taxonomy.concepts[place]: float(evidence.certain[place])
        for place in np.flatnonzero(evidence.certain >= MIN_CERTAINTY).tolist()
        if taxonomy.concepts[place] not in skip
    }
    chosen = [name for name in certain if _most_specific(name, certain, taxonomy)]
    chosen.sort(key=lambda name: (-certain[name], name))
    return [
        Region(name, _probability(certain[name]), largest_part(evidence.cells[..., taxonomy.place[name]]))
        for name in chosen[:MAX_REGIONS]
    ]


def largest_part(weights: FloatArray) -> Box:
    """The box of the heaviest connected part among the cells that have at least half of the greatest weight.

    Shapes: (h, w), weights >= 0.
    """
    height, width = weights.shape
    count, parts = cv2.connectedComponents((weights >= 0.5 * weights.max()).astype(np.uint8), connectivity=4)
    sums = [float(weights[parts == part].sum()) for part in range(1, count)]
    rows, columns = np.nonzero(parts == 1 + int(np.argmax(sums)))
    return Box(
        float(columns.min() / width),
        float(rows.min() / height),
        float((columns.max() + 1) / width),
        float((rows.max() + 1) / height),
    )


def _most_specific(name: str, certain: Mapping[str, float], taxonomy: Taxonomy) -> bool:
    """Whether it keeps enough of the certainty of the concepts above, and none below enough of its own."""
    above = [certain[kind] for kind in taxonomy.kinds[name] if kind in certain]
    below = [certain[kind] for kind in taxonomy.below.get(name, ()) if kind in certain]
    return certain[name] >= SPECIFIC * max(above) and max(below, default=0.0) < SPECIFIC * certain[name]


def _probability(certainty: float) -> float:
    odds = _SLOPE * math.log(certainty / max(1e-6, 1 - certainty)) + _OFFSET
    return 1 / (1 + math.exp(-odds))


def _cover(low: float, high: float, cells: int) -> FloatArray:
    """The part of each cell of an axis that [low, high) covers."""
    edges = np.arange(cells + 1) / cells
    cover = np.clip(np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1]), 0.0, None)
    return np.asarray(cover * cells + 1e-9, dtype=np.float32)
