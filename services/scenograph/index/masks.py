"""What filters let through, remembered for the version it was worked out for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from scenograph.index.filters import matching_slots, parse_filter
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
    """The last masks, by table, version and filter text. Threads share it."""

    def __init__(self) -> None:
        self._slots: _Newest[NDArray[np.bool_]] = _Newest()
        self._rows: _Newest[Wanted] = _Newest()

    def passing(self, view: View, text: str) -> NDArray[np.bool_] | None:
        """Which slots pass the filter, live or not; None where it is empty and all pass. Errors:
        InvalidFilter.
        """
        parsed = parse_filter(text)
        if parsed is None:
            return None
        key = (view.table.serial, view.version, text)
        return self._slots.get(key, lambda: matching_slots(parsed, view.table, view.slots))

    def wanted(self, view: View, text: str, modality: Modality) -> Wanted:
        """Which rows pass the filter and are of the modality. Errors: InvalidFilter."""
        passing = self.passing(view, text)

        key = (view.table.serial, view.version, text, modality)
        return self._rows.get(key, lambda: wanted_rows(view, passing, modality))


def wanted_rows(view: View, passing: NDArray[np.bool_] | None, modality: Modality) -> Wanted:
    """Which rows are live, of the modality, and of an item that passes.  Shapes: passing (slots,) bool."""
    rows = view.live_rows
    if modality != Modality.UNSPECIFIED:
        rows = rows & (view.table.modality.data[: view.rows] == modality)
    if passing is not None:
        rows = rows & passing[view.table.slot.data[: view.rows]]
    return Wanted(rows, int(np.count_nonzero(rows)))


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
