"""Objects and places that a classifier's dense map shows: concepts, how certain they are, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scenograph.scene.graph import Box
from scenograph.scene.visual_taxonomy import Taxonomy

FloatArray = NDArray[np.float32]

MIN_CONFIDENCE = 0.2
SPECIFIC = 0.6  # a more specific concept must keep this part of the general one's certainty
MAX_REGIONS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """How much of the classifier's belief goes to each concept: in each cell (h, w, K), and for the image
    (K,).

    A concept's belief is the sum over its classes, so that "dog" is certain where no single breed is. The
    certainty of
    a concept in the image is the mean of the pooled belief and of the cells' average: of the simple
    combinations tried
    on captioned photos it ranked the concepts that captions name best.
    """

    cells: FloatArray
    image: FloatArray

    @classmethod
    def of(cls, probabilities: FloatArray, cells: FloatArray, taxonomy: Taxonomy) -> Evidence:
        """Shapes: probabilities (C,), cells (h, w, C) -> concepts (K,), (h, w, K)."""
        concept_cells = taxonomy.beliefs(cells)
        image = (taxonomy.beliefs(probabilities) + concept_cells.mean(axis=(0, 1))) / 2
        return cls(concept_cells, np.asarray(image, dtype=np.float32))

    def inside(self, box: Box) -> FloatArray:
        """Belief in each concept within a box: the mean over the cells it covers, weighted by the covered
        part.  Shapes: -> (K,).
        """
        height, width = self.cells.shape[:2]
        weight = np.outer(_cover(box.y0, box.y1, height), _cover(box.x0, box.x1, width))
        return np.asarray(np.tensordot(weight / weight.sum(), self.cells, axes=2), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Region:
    """A concept, its certainty in [0, 1], and the box of the cells that show it."""

    name: str
    score: float
    box: Box


def find_regions(evidence: Evidence, taxonomy: Taxonomy, skip: frozenset[str]) -> list[Region]:
    """The most specific concepts that are certain enough, best first; none is a kind of another.

    `skip`: concepts too general to say anything. Source of the idea: Deng et al. 2012, "Hedging your bets".
    """
    certain = [
        name
        for name in taxonomy.concepts
        if evidence.image[taxonomy.place[name]] >= MIN_CONFIDENCE and name not in skip
    ]
    chosen = [name for name in certain if not _refined(name, certain, evidence, taxonomy)]
    chosen = [name for name in chosen if not any(o != name and taxonomy.is_a(o, name) for o in chosen)]
    chosen.sort(key=lambda name: (-float(evidence.image[taxonomy.place[name]]), name))
    return [
        Region(name, float(evidence.image[taxonomy.place[name]]), concept_box(evidence, taxonomy.place[name]))
        for name in chosen[:MAX_REGIONS]
    ]


def concept_box(evidence: Evidence, concept: int) -> Box:
    """The box of the connected cells around the strongest one that hold at least half of its belief."""
    belief = evidence.cells[..., concept]
    height, width = belief.shape
    count, parts = cv2.connectedComponents((belief >= 0.5 * belief.max()).astype(np.uint8), connectivity=4)
    sums = [float(belief[parts == part].sum()) for part in range(1, count)]
    rows, columns = np.nonzero(parts == 1 + int(np.argmax(sums)))
    return Box(
        float(columns.min() / width),
        float(rows.min() / height),
        float((columns.max() + 1) / width),
        float((rows.max() + 1) / height),
    )


def _refined(name: str, certain: Sequence[str], evidence: Evidence, taxonomy: Taxonomy) -> bool:
    """Whether a more specific concept keeps enough of this one's certainty to stand for it."""
    enough = SPECIFIC * float(evidence.image[taxonomy.place[name]])
    return any(
        other != name and taxonomy.is_a(other, name) and evidence.image[taxonomy.place[other]] >= enough
        for other in certain
    )


def _cover(low: float, high: float, cells: int) -> FloatArray:
    """The part of each cell of an axis that [low, high) covers."""
    edges = np.arange(cells + 1) / cells
    cover = np.clip(np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1]), 0.0, None)
    return np.asarray(cover * cells + 1e-9, dtype=np.float32)
