"""What filters let through, remembered for the version it was worked out for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from scenograph.index.access import Held
from scenograph.index.filters import Filter, matching_slots, parse_filter
from scenograph.index.table import View
from scenograph.runtime.contracts import Modality

KEPT = 32
V = TypeVar("V")


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """The rows that a search looks at: live, of the modality, of an item that passes. Shape: rows (rows,)
    bool.
    """

    rows: NDArray[np.bool_]
    count: int


class MaskCache:
    """The last masks, by table, version, filter text and the access labels that somebody holds. Threads share
    it.
    """

    def __init__(self) -> None:
        self._slots: _Newest[NDArray[np.bool_] | None] = _Newest()
        self._rows: _Newest[Wanted] = _Newest()
        self._counts: _Newest[tuple[int, int]] = _Newest()

    def passing(self, view: View, text: str, held: Held) -> NDArray[np.bool_] | None:
        """Which slots pass the filter and are there for who holds these labels, live or not; None where all
        are. Errors: InvalidFilter.
        """
        parsed = parse_filter(text)
        if parsed is None and held is None:
            return None
        key = (view.table.serial, view.version, text, held)
        return self._slots.get(key, lambda: _passing(view, parsed, held))

    def wanted(self, view: View, text: str, modality: Modality, held: Held) -> Wanted:
        """Which rows pass the filter, are of the modality, and are there for who holds these labels. Errors:
        InvalidFilter.
        """
        passing = self.passing(view, text, held)

        key = (view.table.serial, view.version, text, modality, held)
        return self._rows.get(key, lambda: wanted_rows(view, passing, modality))

    def counts(self, view: View, held: Held) -> tuple[int, int]:
        """How many items and entries there are for who holds these labels."""
        if held is None:
            return view.items, view.entries
        key = (view.table.serial, view.version, held)
        return self._counts.get(key, lambda: _counts(view, self.passing(view, "", held)))


def wanted_rows(view: View, passing: NDArray[np.bool_] | None, modality: Modality) -> Wanted:
    """Which rows are live, of the modality, and of an item that passes.  Shapes: passing (slots,) bool."""
    rows = view.live_rows
    if modality != Modality.UNSPECIFIED:
        rows = rows & (view.table.modality.data[: view.rows] == modality)
    if passing is not None:
        rows = rows & passing[view.table.slot.data[: view.rows]]
    return Wanted(rows, int(np.count_nonzero(rows)))


def _passing(view: View, parsed: Filter | None, held: Held) -> NDArray[np.bool_] | None:
    table = view.table
    seen = None if held is None else table.access.visible(held, table.labels, view.slots)
    if parsed is None:
        return seen
    passing = matching_slots(parsed, table, view.slots)
    return passing if seen is None else passing & seen


def _counts(view: View, passing: NDArray[np.bool_] | None) -> tuple[int, int]:
    if passing is None:
        return view.items, view.entries
    rows = wanted_rows(view, passing, Modality.UNSPECIFIED)
    return int(np.count_nonzero(view.live_slots & passing)), rows.count


class _Newest(Generic[V]):
    """The values asked for last."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._values: OrderedDict[tuple[object, ...], V] = OrderedDict()

    def get(self, key: tuple[object, ...], work: Callable[[], V]) -> V:
        """The value that belongs to the key, worked out where it is not kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = work()
        with self._lock:
            self._values[key] = value
            if len(self._values) > KEPT:
                self._values.popitem(last=False)
        return value
