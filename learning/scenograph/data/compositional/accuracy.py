"""How often the true caption is preferred, with the interval that so many cases allow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z = 1.959963984540054  # of the 95 % interval


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of `cases`, in `right` the true caption scored higher; in `ties` both scored the same (not right).

    `accuracy`, `low` and `high` are in [0, 1]: the share, and its 95 % interval (Wilson 1927).
    """

    kind: str
    cases: int
    right: int
    ties: int
    accuracy: float
    low: float
    high: float


def accuracy(kind: str, true: Sequence[float], false: Sequence[float]) -> Accuracy:
    """The accuracy over pairs of scores, of the true caption and of the false one."""
    pairs = list(zip(true, false, strict=True))
    right = sum(one > other for one, other in pairs)
    ties = sum(one == other for one, other in pairs)
    low, high = wilson(right, len(pairs))
    return Accuracy(kind, len(pairs), right, ties, right / len(pairs) if pairs else math.nan, low, high)


def by_kind(kinds: Sequence[str], true: Sequence[float], false: Sequence[float]) -> list[Accuracy]:
    """The accuracy of each kind, in the order in which they first come."""
    found = []
    for kind in dict.fromkeys(kinds):
        rows = [row for row, other in enumerate(kinds) if other == kind]
        found.append(accuracy(kind, [true[row] for row in rows], [false[row] for row in rows]))
    return found


def wilson(right: int, cases: int) -> tuple[float, float]:
    """The 95 % interval of a share; (0, 1) without cases. Source: Wilson 1927."""
    if not cases:
        return 0.0, 1.0
    share, spread = right / cases, Z * Z / cases
    middle = share + spread / 2
    half = Z * math.sqrt(share * (1 - share) / cases + spread / (4 * cases))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))
