"""Columns over the metadata of a table's slots, built when a filter first asks for them and extended as
slots are added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from scenograph.index.filters.syntax import Scalar
from scenograph.index.growing import Growing

Mask = NDArray[np.bool_]

CHUNK = 65_536

MISSING, NULL, BOOL, NUMBER, TEXT, OTHER = range(6)
NO_TEXT, UNKNOWN = -1, -2  # in place of a text's code: it is no text; no such text was seen


class ScalarColumn:
    """What stands at one path: its kind, its number, and its text as a code in a dictionary."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = keys
        self._slots = 0
        self._kinds = Growing(np.uint8)
        self._numbers = Growing(np.float64)
        self._texts = Growing(np.int32)
        self._dictionary: dict[str, int] = {}

    def extend(self, metadata: Sequence[bytes], slots: int) -> None:
        """Takes the slots up to `slots` in."""
        fresh = slots - self._slots
        if fresh <= 0:
            return
        kinds = np.zeros(fresh, np.uint8)
        numbers = np.zeros(fresh, np.float64)
        texts = np.full(fresh, NO_TEXT, np.int32)
        for position, content in enumerate(_decoded(metadata, self._slots, slots)):
            value = _scalar_at(content, self._keys)
            kind = kinds[position] = _kind(value)
            if kind == TEXT:
                texts[position] = self._dictionary.setdefault(value, len(self._dictionary))
            elif kind in (BOOL, NUMBER):
                numbers[position] = value
        self._kinds.write(self._slots, kinds)
        self._numbers.write(self._slots, numbers)
        self._texts.write(self._slots, texts)
        self._slots = slots

    def equal(self, value: Scalar, slots: int) -> Mask:
        """Where exactly this value stands: a number never equals a text or a boolean."""
        kind = _kind(value)
        if isinstance(value, str):
            mask: Mask = self._texts.data[:slots] == self._dictionary.get(value, UNKNOWN)
            return mask
        mask = self._kinds.data[:slots] == kind
        return mask if value is None else mask & (self._numbers.data[:slots] == value)

    def ordered(self, test: Callable[[Any, Any], Any], value: float | str, slots: int) -> Mask:
        """Where a value of the same kind stands that passes `test(it, value)`; texts go by code point."""
        if isinstance(value, str):
            texts = list(self._dictionary)  # in one step: another thread may be extending it
            passing = np.fromiter((test(text, value) for text in texts), bool, len(texts))
            mask: Mask = np.append(passing, False)[self._texts.data[:slots]]  # NO_TEXT finds the last: False
            return mask
        mask = (self._kinds.data[:slots] == NUMBER) & test(self._numbers.data[:slots], value)
        return mask

    def present(self, slots: int) -> Mask:
        """Where something other than null stands."""
        mask: Mask = self._kinds.data[:slots] > NULL
        return mask

    def without(self, slots: NDArray[np.int64]) -> ScalarColumn:
        """The same column, but nothing at these slots; texts that stand nowhere else are gone."""
        kept = ScalarColumn(self._keys)
        kinds, numbers, texts = (
            column.data[: self._slots].copy() for column in (self._kinds, self._numbers, self._texts)
        )
        slots = slots[slots < self._slots]
        kinds[slots], numbers[slots], texts[slots] = MISSING, 0.0, NO_TEXT
        used = np.unique(texts[texts >= 0])
        renumbered = np.full(len(self._dictionary) + 1, NO_TEXT, np.int32)  # NO_TEXT finds the last
        renumbered[used] = np.arange(len(used))
        names = list(self._dictionary)
        kept._dictionary = {names[code]: place for place, code in enumerate(used.tolist())}
        kept._kinds.write(0, kinds)
        kept._numbers.write(0, numbers)
        kept._texts.write(0, renumbered[texts])
        kept._slots = self._slots
        return kept


class MemberColumn:
    """Which values are found at one path, through lists on the way: value -> the slots that have it."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = keys
        self._slots = 0
        self._members: dict[tuple[int, Scalar], list[int]] = {}

    def extend(self, metadata: Sequence[bytes], slots: int) -> None:
        """Takes the slots up to `slots` in."""
        for slot, content in enumerate(_decoded(metadata, self._slots, slots), self._slots):
            for member in set(_members_at(content, self._keys)):
                self._members.setdefault(member, []).append(slot)
        self._slots = max(self._slots, slots)

    def has(self, value: Scalar, slots: int) -> Mask:
        """Where the value is a member."""
        mask = np.zeros(slots, bool)
        found = np.array(self._members.get((_kind(value), value), []), dtype=np.int64)
        mask[found[found < slots]] = True
        return mask

    def without(self, slots: NDArray[np.int64]) -> MemberColumn:
        """The same column, but nothing at these slots; values that stand nowhere else are gone."""
        kept, gone = MemberColumn(self._keys), set(slots.tolist())
        for member, places in self._members.items():
            if left := [slot for slot in places if slot not in gone]:
                kept._members[member] = left
        kept._slots = self._slots
        return kept


def _decoded(metadata: Sequence[bytes], first: int, end: int) -> Iterator[object]:
    """The metadata of some slots, a chunk in memory at a time."""
    for start in range(first, end, CHUNK):
        for content in metadata[start : min(start + CHUNK, end)]:
            try:
                yield msgspec.json.decode(content)
            except msgspec.DecodeError:
                yield {}  # removed from the collection, and being erased just now


def _kind(value: object) -> int:
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, (int, float)):
        return NUMBER
    if isinstance(value, str):
        return TEXT
    return MISSING if value is ... else OTHER


def _scalar_at(value: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return ...
        value = value[key]
    return value


def _members_at(value: Any, keys: tuple[str, ...]) -> Iterator[tuple[int, Scalar]]:
    if isinstance(value, list):
        for element in value:
            if keys or not isinstance(element, (list, dict)):
                yield from _members_at(element, keys)
    elif keys:
        if isinstance(value, dict) and keys[0] in value:
            yield from _members_at(value[keys[0]], keys[1:])
    elif isinstance(value, dict):
        yield from ((TEXT, key) for key in value)
    else:
        yield _kind(value), value
