"""What filters let through, remembered for the version it was worked out for."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from scenograph.index.filters import matching_slots, parse_filter
from scenograph.index.table import View

KEPT = 32


class MaskCache:
    """The last masks, by table, version and filter text. Threads share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._masks: OrderedDict[tuple[int, int, str], NDArray[np.bool_]] = OrderedDict()

    def passing(self, view: View, text: str) -> NDArray[np.bool_] | None:
        """Which slots pass the filter, live or not; None where it is empty and all pass. Errors:
        InvalidFilter.
        """
        parsed = parse_filter(text)
        if parsed is None:
            return None
        key = (view.table.serial, view.version, text)
        with self._lock:
            mask = self._masks.get(key)
            if mask is not None:
                self._masks.move_to_end(key)
                return mask
        mask = matching_slots(parsed, view.table, view.slots)
        with self._lock:
            self._masks[key] = mask
            if len(self._masks) > KEPT:
                self._masks.popitem(last=False)
        return mask
