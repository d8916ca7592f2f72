"""Run by test_cache.py as a process of its own, to be killed: fills a cache slowly, a line a photograph."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenograph.data import FeatureCache, filling
from scenograph.data.views import Pixels


def infer(photos: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
    time.sleep(0.05)
    return {
        "mean": np.array([photo.mean() for photo in photos], np.float32),
        "corner": np.array([photo[0, 0] for photo in photos], np.float16),
    }


if __name__ == "__main__":
    filling.COMMIT_SECONDS = 0.0
    FeatureCache(Path(sys.argv[1])).compute(
        [Path(name) for name in sys.argv[2:]],
        "slow",
        infer,
        batch=1,
        workers=1,
        progress=lambda done, total: print(done, total, flush=True),
    )
