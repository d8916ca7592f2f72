"""Whether a series drifts: its slope, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True, slots=True)
class Drift:
    """`slope` a minute with its 95% confidence interval, by the medians of all pairs (Theil and Sen);
    `share`: over the whole run, of the series' median.
    """

    slope: float
    low: float
    high: float
    share: float


def drift(minutes: Sequence[float], values: Sequence[float]) -> Drift:
    """Of values at some minutes, at least 3. Outliers, a garbage collection say, count little."""
    found = stats.theilslopes(np.asarray(values, float), np.asarray(minutes, float))
    span, middle = minutes[-1] - minutes[0], float(np.median(values))
    share = float(found.slope) * span / middle if middle else 0.0
    return Drift(float(found.slope), float(found.low_slope), float(found.high_slope), share)
