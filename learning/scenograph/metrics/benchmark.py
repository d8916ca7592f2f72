"""What is reported of one retrieval run: queries of one modality against a database of the other.

Scores are computed for a block of queries at a time, so that memory holds a few rows of the score matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenograph.metrics.curves import (
    Curve,
    Lookup,
    cuts_of,
    hamming_lookup,
    precision_recall_by_radius,
)
from scenograph.metrics.hamming import hamming_distances
from scenograph.metrics.ranking import Values, average_precision, ndcg_at, ratio, relevant_within
from scenograph.metrics.relevance import Mask, share_a_label
from scenograph.metrics.ties import Tied, tied_by_distance, tied_by_score

CUTS = (1, 10, 50, 100)
_BLOCK = 2**22
"""Scores in memory at a time."""


@dataclass(frozen=True, slots=True)
class RankingScore:
    """Means over queries, in [0, 1]; relevant are the items that share a class with the query.

    `map_all` (MAP@ALL) and `map_50` (MAP@50) are never comparable; `chance` is the MAP@ALL of a random order.
    """

    queries: int
    database: int
    map_all: float
    map_50: float
    chance: float
    precision: dict[int, float]
    recall: dict[int, float]
    ndcg: dict[int, float]
    curve: Curve


@dataclass(frozen=True, slots=True)
class HashingScore:
    """A ranking by Hamming distance, and lookup within a radius."""

    bits: int
    ranking: RankingScore
    by_radius: Curve
    lookup: Lookup


def score_vectors(
    queries: NDArray[np.floating],
    database: NDArray[np.floating],
    query_labels: Mask,
    database_labels: Mask,
) -> RankingScore:
    """Ranking by cosine; a vector of zeros is at a right angle to every other.

    Shapes: (Q, D), (N, D), (Q, classes), (N, classes).  Errors: ValueError where shapes do not fit, a value
    is not a number, or there are no queries.
    """
    _check(queries, database, query_labels, database_labels)
    first, second = _unit(queries), _unit(database)
    tables = [
        _per_query(tied_by_score(first[rows] @ second.T, relevant))
        for rows, relevant in _blocks(query_labels, database_labels)
    ]
    values = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    return _mean(values, len(database))


def score_codes(queries: Mask, database: Mask, query_labels: Mask, database_labels: Mask) -> HashingScore:
    """Ranking by Hamming distance, ties in expectation.

    Shapes: (Q, bits), (N, bits), (Q, classes), (N, classes).  Errors: ValueError where shapes do not fit or
    there are no queries.
    """
    _check(queries, database, query_labels, database_labels)
    bits = queries.shape[1]
    blocks = [
        tied_by_distance(hamming_distances(queries[rows], database), relevant, bits)
        for rows, relevant in _blocks(query_labels, database_labels)
    ]
    ranking = Tied(
        np.concatenate([block.sizes for block in blocks]),
        np.concatenate([block.relevant for block in blocks]),
    )
    return HashingScore(
        bits,
        _mean(_per_query(ranking), len(database)),
        precision_recall_by_radius(ranking),
        hamming_lookup(ranking, min(2, bits)),
    )


def _blocks(query_labels: Mask, database_labels: Mask) -> Iterator[tuple[slice, Mask]]:
    """Rows of queries and what is relevant to them."""
    size = max(1, _BLOCK // len(database_labels))
    for start in range(0, len(query_labels), size):
        rows = slice(start, start + size)
        yield rows, share_a_label(query_labels[rows], database_labels)


def _per_query(ranking: Tied) -> dict[tuple[str, int], Values]:
    """Every metric's values, by name and cut (0: none).  Shapes: -> (Q,) each."""
    cuts = sorted({*CUTS, *cuts_of(ranking.database)})
    one_tie = Tied(ranking.ends[:, -1:], ranking.relevant_ends[:, -1:])
    found = {cut: relevant_within(ranking, cut) for cut in cuts}
    wanted = ranking.total_relevant
    return {
        ("map", 0): average_precision(ranking),
        ("map", 50): average_precision(ranking, 50),
        ("chance", 0): average_precision(one_tie),
        **{("ndcg", cut): ndcg_at(ranking, cut) for cut in CUTS},
        **{("precision", cut): found[cut] / cut for cut in cuts},
        **{("recall", cut): ratio(found[cut], wanted) for cut in cuts},
    }


def _mean(values: dict[tuple[str, int], Values], database: int) -> RankingScore:
    mean = {name: float(each.mean()) for name, each in values.items()}
    cuts = cuts_of(database)
    return RankingScore(
        queries=len(values["map", 0]),
        database=database,
        map_all=mean["map", 0],
        map_50=mean["map", 50],
        chance=mean["chance", 0],
        precision={cut: mean["precision", cut] for cut in CUTS},
        recall={cut: mean["recall", cut] for cut in CUTS},
        ndcg={cut: mean["ndcg", cut] for cut in CUTS},
        curve=Curve(
            cuts,
            tuple(mean["precision", cut] for cut in cuts),
            tuple(mean["recall", cut] for cut in cuts),
        ),
    )


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (vectors / np.where(length == 0, 1, length)).astype(np.float32)
    return unit


def _check(
    queries: NDArray[np.generic], database: NDArray[np.generic], query_labels: Mask, database_labels: Mask
) -> None:
    if not len(queries) or not len(database):
        raise ValueError(f"{len(queries)} queries and {len(database)} items: neither may be empty")
    if len(queries) != len(query_labels) or len(database) != len(database_labels):
        raise ValueError(
            f"labels of {len(query_labels)} queries and {len(database_labels)} items "
            f"for {len(queries)} and {len(database)}"
        )
    if queries.shape[1:] != database.shape[1:]:
        raise ValueError(f"queries {queries.shape} and items {database.shape} are not of one space")
