"""A taxonomy of words: what is the same, a kind of, near, or excluded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from scenograph.scene.vocabulary.tables import Entry

GENERAL = 0.75  # a candidate one step more general than the query ("dog" for "puppy")


class Taxonomy:
    """Concepts by id, with the similarity of a query concept to every candidate concept.

    1 for the same concept or a kind of the query; GENERAL ** steps for a more general one (one step for a
    `basic` concept, however far up); the listed nearness, which kinds inherit; 0 where both stand under
    closed roots; else NaN.
    """

    def __init__(
        self,
        entries: Mapping[str, Entry],
        near: Iterable[tuple[str, str, float]] = (),
        *,
        basic: Iterable[str] = (),
        all_closed: bool = False,
    ) -> None:
        self.names = tuple(entries)
        self._ids = {name: index for index, name in enumerate(self.names)}
        for entry in entries.values():
            for synonym in entry.synonyms:
                self._ids.setdefault(synonym, self._ids[entry.name])
        self._parents = [tuple(self._ids[parent] for parent in entry.parents) for entry in entries.values()]
        self._children: list[list[int]] = [[] for _ in self.names]
        for index, parents in enumerate(self._parents):
            for parent in parents:
                self._children[parent].append(index)
        self._ancestors = [self._reach(index, self._parents) for index in range(len(self.names))]
        marked = [entry.marked or all_closed for entry in entries.values()]
        self.exclusive = [
            {root for root in self.roots(index) if entries[self.names[root]].marked} for index in self
        ]
        self._closed = np.array([all(marked[root] for root in self.roots(index)) for index in self])
        self._basic = {self._ids[name] for name in basic if name in self._ids}
        self._near: dict[int, list[tuple[int, float]]] = {}
        for a, b, score in near:
            self._near.setdefault(self._ids[a], []).append((self._ids[b], score))
        self._rows: dict[int, npt.NDArray[np.float32]] = {}

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.names)))

    def find(self, term: str) -> int:
        """The id of the concept that has this name or synonym; -1 where there is none."""
        return self._ids.get(term, -1)

    def terms(self) -> Iterable[str]:
        """All names and synonyms."""
        return self._ids.keys()

    def ancestors(self, index: int) -> Mapping[int, int]:
        """Everything that the concept is a kind of, nearest first, with the number of steps."""
        return {other: steps for other, steps in self._ancestors[index].items() if steps}

    def roots(self, index: int) -> list[int]:
        """The most general concepts above this one (itself, where it is one)."""
        return [other for other in self._ancestors[index] if not self._parents[other]]

    def row(self, query: int) -> npt.NDArray[np.float32]:
        """Similarity to each concept, then NaN, so that id -1 reads as unknown. Shape (n + 1,)."""
        row = self._rows.get(query)
        if row is None:
            row = self._rows[query] = self._compute(query)
        return row

    def _compute(self, query: int) -> npt.NDArray[np.float32]:
        row = np.full(len(self) + 1, np.nan, dtype=np.float32)
        if self._closed[query]:
            row[:-1][self._closed] = 0.0
        general = {
            other: GENERAL ** min(steps, 1 if other in self._basic else steps)
            for other, steps in self._ancestors[query].items()
        }
        for other, factor in general.items():
            for near, score in self._near.get(other, ()):
                below = list(self._reach(near, self._children))
                row[below] = np.fmax(row[below], score * factor)
        for near, score in self._near.get(query, ()):
            row[near] = score
        for other, factor in general.items():
            row[other] = np.fmax(row[other], factor)
        row[list(self._reach(query, self._children))] = 1.0
        return row

    def _reach(self, start: int, links: list[tuple[int, ...]] | list[list[int]]) -> dict[int, int]:
        steps = {start: 0}
        queue = deque([start])
        while queue:
            here = queue.popleft()
            for there in links[here]:
                if there not in steps:
                    steps[there] = steps[here] + 1
                    queue.append(there)
        return steps
