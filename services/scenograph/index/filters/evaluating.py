"""Which slots of a table pass a filter."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import reduce
from threading import Lock
from typing import Any as AnyValue
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from scenograph.index.filters.columns import Mask, MemberColumn, ScalarColumn
from scenograph.index.filters.syntax import All, Any, Compare, Filter, Has, Not, Path, Present

C = TypeVar("C", ScalarColumn, MemberColumn)
Keys = tuple[str, ...]

KEPT_COLUMNS = 64

ORDERS: dict[str, Callable[[AnyValue, AnyValue], AnyValue]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Slots(Protocol):
    """What a filter looks at: ids and metadata (JSON) by slot, which only grow, and the columns made from
    them.
    """

    @property
    def ids(self) -> Sequence[str]: ...

    @property
    def metadata(self) -> Sequence[bytes]: ...

    @property
    def columns(self) -> Columns: ...


class Columns:
    """The columns that filters asked for lately. Threads share them; only building needs the lock."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._scalars: OrderedDict[Keys, ScalarColumn] = OrderedDict()
        self._members: OrderedDict[Keys, MemberColumn] = OrderedDict()

    def scalar(self, path: Path, metadata: Sequence[bytes], slots: int) -> ScalarColumn:
        """The values at a path, up to `slots` at least."""
        return self._column(self._scalars, ScalarColumn, path, metadata, slots)

    def member(self, path: Path, metadata: Sequence[bytes], slots: int) -> MemberColumn:
        """The members at a path, up to `slots` at least."""
        return self._column(self._members, MemberColumn, path, metadata, slots)

    def forget(self, slots: NDArray[np.int64]) -> None:
        """Lets go of the values of slots that are removed. Who reads a column just now has the old one."""
        with self._lock:
            for path, scalar in self._scalars.items():
                self._scalars[path] = scalar.without(slots)
            for path, member in self._members.items():
                self._members[path] = member.without(slots)

    def _column(
        self, kept: OrderedDict[Keys, C], kind: type[C], path: Path, metadata: Sequence[bytes], slots: int
    ) -> C:
        with self._lock:
            column = kept.setdefault(path.keys, kind(path.keys))
            kept.move_to_end(path.keys)
            if len(kept) > KEPT_COLUMNS:
                kept.popitem(last=False)
            column.extend(metadata, slots)
        return column


def matching_slots(part: Filter, table: Slots, slots: int) -> Mask:
    """Which of the first `slots` slots pass. Shape: (slots,) bool."""
    match part:
        case All(parts):
            return reduce(operator.and_, (matching_slots(each, table, slots) for each in parts))
        case Any(parts):
            return reduce(operator.or_, (matching_slots(each, table, slots) for each in parts))
        case Not(inner):
            return ~matching_slots(inner, table, slots)
        case Compare(path, "!=", value):
            return ~matching_slots(Compare(path, "=", value), table, slots)
        case Compare(path, order, value) if path.item_id:
            test = ORDERS[order]
            return np.fromiter((test(item, value) for item in table.ids[:slots]), bool, slots)
        case Compare(path, "=", value):
            return table.columns.scalar(path, table.metadata, slots).equal(value, slots)
        case Compare(path, order, value):
            assert isinstance(value, (float, str))
            return table.columns.scalar(path, table.metadata, slots).ordered(ORDERS[order], value, slots)
        case Has(path, value):
            return table.columns.member(path, table.metadata, slots).has(value, slots)
        case Present(path) if path.item_id:
            return np.ones(slots, bool)
        case Present(path):
            return table.columns.scalar(path, table.metadata, slots).present(slots)
