"""A search: Milvus finds the codes that are near, what follows is done here as for the index in a folder.

Everything here blocks. Milvus looks at every code (BIN_FLAT), and takes no weights of levels and at most
16,384 hits: searches with such weights, or for more, read the codes that pass and compare them here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scenograph.index.filters import parse_filter
from scenograph.index.hamming import distances
from scenograph.index.limits import DEFAULT_CANDIDATES
from scenograph.index.milvus import expressions
from scenograph.index.milvus.collections import Opened
from scenograph.index.milvus.reading import KEYS, Reading
from scenograph.index.milvus.rows import Row, read_codes, read_vectors
from scenograph.index.milvus.server import MOST_ROWS, MilvusServer
from scenograph.runtime.contracts import IndexHit, IndexQuery, Modality, Timings
from scenograph.runtime.levels import cosines, differing_shares, weighted
from scenograph.runtime.principal import Principal
from scenograph.scene.graph import SceneGraph

SPARE = 64
"""Hits asked for beyond those kept: the last distance often has more than fit."""
PAGE = 8192
_NAMED = ["item", "write", "kind", "ordinal"]
_SHOWN = [*_NAMED, "text", "vectors"]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A candidate: its row, and how many bits differ as a share, by which the nearest are kept."""

    row: Row
    share: float

    @property
    def order(self) -> tuple[float, str, int, int]:
        """What candidates are sorted by."""
        return (self.share, *name_of(self.row))


def name_of(row: Row) -> tuple[str, int, int]:
    """Which entry a row is of: what ties are settled by."""
    return str(row["item"]), int(row["kind"]), int(row["ordinal"])


class Searching:
    """Errors: those of MilvusServer."""

    def __init__(self, server: MilvusServer, reading: Reading) -> None:
        self._server = server
        self._reading = reading

    def search(
        self, opened: Opened, query: IndexQuery, principal: Principal
    ) -> tuple[list[IndexHit], Timings]:
        """Hits best first; `checks.check_query` has passed the query. Errors: InvalidFilter."""
        start = time.perf_counter()
        parsed = parse_filter(query.filter)
        where = expressions.both(
            expressions.of_modality(query.modality),
            expressions.visible(principal),
            "" if parsed is None else expressions.passing(parsed),
        )
        keep = query.coarse_candidates or DEFAULT_CANDIDATES
        if weighted(query.levels) or keep + SPARE > MOST_ROWS:
            rows = self._with_content(opened, self._compared(opened, query, where, keep))
        else:
            rows = self._nearest(opened, query, where, keep)
        near = time.perf_counter()
        hits = _ranked(query, rows)
        cosine = time.perf_counter()
        shown = [row["pk"] for row, _ in hits[: query.with_graphs]]
        graphs = self._reading.graphs(opened, shown) if shown else {}
        answer = [
            hit if row["pk"] not in graphs else _with_graph(hit, graphs[row["pk"]]) for row, hit in hits
        ]
        timings = {
            "hamming": (near - start) * 1e3,
            "cosine": (cosine - near) * 1e3,
            "read": (time.perf_counter() - cosine) * 1e3,
        }
        return answer, timings

    def _nearest(self, opened: Opened, query: IndexQuery, where: str, keep: int) -> list[Row]:
        """The rows of least distance, by Milvus; those of the last distance that fit, by name."""
        limit = keep + SPARE
        found = self._server.search(opened.stored, query.code, where, limit, _SHOWN)
        if len(found) < limit or found[-1][0] > found[keep - 1][0]:
            return [each.row for each in _least(_versions(found), keep)]
        found = self._server.search(opened.stored, query.code, where, MOST_ROWS, _NAMED)
        return self._with_content(opened, [each.row for each in _least(_versions(found), keep)])

    def _compared(self, opened: Opened, query: IndexQuery, where: str, keep: int) -> list[Row]:
        """The rows of least distance, by reading the codes of all that pass."""
        kept: list[Found] = []
        after = ""
        while True:
            rows = self._server.query(
                opened.stored,
                expressions.both(where, f'pk > "{after}"'),
                ["pk", *_NAMED, "code"],
                limit=PAGE,
            )
            if rows:
                codes = read_codes(rows, query.bits)
                shares = differing_shares(query.code, codes, query.levels)
                before = [(each.share, each.row) for each in kept]
                kept = _least(_versions([*before, *zip(shares.tolist(), rows, strict=True)]), keep)
                after = str(rows[-1]["pk"])
            if len(rows) < PAGE:
                return [each.row for each in kept]

    def _with_content(self, opened: Opened, rows: Sequence[Row]) -> list[Row]:
        """The same rows with all that a hit shows; those that are still there."""
        found: dict[str, Row] = {}
        for start in range(0, len(rows), KEYS):
            keys = expressions.texts(row["pk"] for row in rows[start : start + KEYS])
            read = self._server.query(opened.stored, f"pk in {keys}", ["pk", *_SHOWN])
            found.update((str(row["pk"]), row) for row in read)
        return [found[row["pk"]] for row in rows if row["pk"] in found]


def _versions(found: Sequence[tuple[float, Row]]) -> list[Found]:
    """The hits without those of older versions of an item that a newer one is among."""
    newest: dict[str, int] = {}
    for _, row in found:
        newest[row["item"]] = max(row["write"], newest.get(row["item"], 0))
    return [Found(row, share) for share, row in found if row["write"] == newest[row["item"]]]


def _least(found: Sequence[Found], keep: int) -> list[Found]:
    return sorted(found, key=lambda each: each.order)[:keep]


def _ranked(query: IndexQuery, rows: Sequence[Row]) -> list[tuple[Row, IndexHit]]:
    """Rows with their hits: by cosine where both sides have embeddings, else by distance."""
    if not rows:
        return []
    codes, vectors = read_vectors(rows, query.bits)
    differing = distances(query.code, codes)
    shares = differing_shares(query.code, codes, query.levels, query.bit_weights)
    by_cosine = query.embedding is not None and vectors.shape[1] == len(query.embedding)
    if by_cosine:
        assert query.embedding is not None
        whole, own = cosines(query.embedding, vectors, query.levels)
    else:
        whole, own = np.zeros(len(rows), np.float32), np.zeros((len(rows), 0), np.float32)
    hits = [
        (row, IndexHit(item, Modality(kind), ordinal, bits, cosine, row["text"], None, share, tuple(levels)))
        for row, (item, kind, ordinal), bits, cosine, share, levels in zip(
            rows,
            map(name_of, rows),
            differing.tolist(),
            whole.tolist(),
            shares.tolist(),
            own.tolist(),
            strict=True,
        )
    ]
    return sorted(hits, key=lambda hit: (-hit[1].cosine if by_cosine else hit[1].distance, *name_of(hit[0])))


def _with_graph(hit: IndexHit, graph: SceneGraph | None) -> IndexHit:
    return replace(hit, graph=graph)
