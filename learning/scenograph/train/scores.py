"""How good two sets of paired vectors are, for early stopping."""

from __future__ import annotations

import numpy as np

from scenograph.data.contracts import LabelArray
from scenograph.methods.contracts import FloatArray
from scenograph.metrics.benchmark import score_codes, score_vectors
from scenograph.metrics.retrieval import first_right_ranks

KS = (1, 5, 10)


def score_pairs(image: FloatArray, text: FloatArray, labels: LabelArray, *, binary: bool) -> dict[str, float]:
    """Means of both directions: `map` (MAP@ALL by shared labels, if any) and `recall@k` of the pair.

    `binary` compares signs by Hamming distance, else by cosine.  Shapes: (n, D), (n, D), (n, classes).
    """
    if binary:
        image, text = (np.where(side > 0, 1.0, -1.0).astype(np.float32) for side in (image, text))
    scores: dict[str, float] = {}
    if labels.shape[1]:
        scores["map"] = float(
            np.mean([_map(*pair, labels, binary) for pair in ((image, text), (text, image))])
        )
    cosine = _unit(image) @ _unit(text).T
    right = np.eye(len(cosine), dtype=bool)
    ranks = np.concatenate([first_right_ranks(cosine, right), first_right_ranks(cosine.T, right)])
    return scores | {f"recall@{k}": float((ranks <= k).mean()) for k in KS}


def _map(queries: FloatArray, database: FloatArray, labels: LabelArray, binary: bool) -> float:
    if binary:
        return score_codes(queries > 0, database > 0, labels, labels).ranking.map_all
    return score_vectors(queries, database, labels, labels).map_all


def _unit(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: FloatArray = (vectors / np.where(length == 0, 1, length)).astype(np.float32)
    return unit
