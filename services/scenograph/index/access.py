"""Access labels as the index keeps them, and which slots those who hold some of them see.

An item without labels is there for everybody, one with labels for whoever holds at least one of them. `held`
None sees all.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from scenograph.index.growing import Growing
from scenograph.index.mapped import Blobs

Held: TypeAlias = "frozenset[str] | None"

CHUNK = 65_536


def pack_labels(labels: Sequence[str]) -> bytes:
    """The labels as they are kept: nothing for none, so that most items cost nothing."""
    return msgspec.json.encode(list(labels)) if labels else b""


def unpack_labels(blob: bytes) -> tuple[str, ...]:
    """The kept labels. Errors: msgspec.MsgspecError where they are damaged."""
    return msgspec.json.decode(blob, type=tuple[str, ...]) if blob else ()


def shown(held: Held, blob: bytes) -> bool:
    """Whether an item of these kept labels is there for somebody."""
    return held is None or not blob or not held.isdisjoint(unpack_labels(blob))


class AccessColumn:
    """The labels of a table's slots as numbers of the few sets of labels that there are, made when somebody
    first needs them and extended as slots are added. Threads share it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._slots = 0
        self._numbers = Growing(np.int32)
        self._sets: dict[bytes, int] = {}

    def visible(self, held: frozenset[str], labels: Blobs[bytes], slots: int) -> NDArray[np.bool_] | None:
        """Which of the first `slots` slots are there for somebody; None where all are.  Shape: (slots,)."""
        with self._lock:
            for start in range(self._slots, slots, CHUNK):
                self._extend(labels[start : min(start + CHUNK, slots)])
            sets = list(self._sets)
        seen = np.fromiter((_shown(held, each) for each in sets), bool, len(sets))
        if seen.all():
            return None
        mask: NDArray[np.bool_] = seen[self._numbers.data[:slots]]
        return mask

    def _extend(self, labels: Sequence[bytes]) -> None:
        numbers = [self._sets.setdefault(each, len(self._sets)) for each in labels]
        self._numbers.write(self._slots, np.array(numbers, np.int32))
        self._slots += len(numbers)


def _shown(held: frozenset[str], blob: bytes) -> bool:
    try:
        return shown(held, blob)
    except msgspec.MsgspecError:
        return False  # removed from the collection, and erased
