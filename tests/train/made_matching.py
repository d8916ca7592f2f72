"""Made photographs whose captions name what is in them, for the fine-grained matchers."""

from __future__ import annotations

import numpy as np

from scenograph.data.tokens import TokenStates
from scenograph.train.matching import MatchingData
from scenograph.train.units import PartStates, UnitView

UNITS, REGIONS, CHANNELS, STATE, THINGS = 5, 3, 6, 8, 30


def made(photos: int = 8, each: int = 2, seed: int = 0) -> MatchingData:
    """Each photo shows two things in its first regions; each caption says both, one by the other."""
    rng = np.random.default_rng(seed)
    meanings = rng.standard_normal((THINGS, STATE)).astype(np.float32)
    looks = rng.standard_normal((THINGS, CHANNELS)).astype(np.float32) * 2
    things = np.stack([rng.choice(THINGS, 2, replace=False) for _ in range(photos)])
    units = rng.standard_normal((photos, UNITS, CHANNELS)).astype(np.float32) * 0.3
    units[:, :2] += looks[things]
    corner = rng.random((photos, UNITS, 2)).astype(np.float32) * 0.6
    boxes = np.concatenate([corner, corner + 0.1 + 0.3 * rng.random(corner.shape)], axis=-1)
    view = UnitView(
        units, units, rng.random((photos, REGIONS, 4)), boxes, rng.integers(2, REGIONS + 1, photos),
        np.zeros((photos, 2)), np.zeros((photos, 2)),
    )  # fmt: skip
    said = np.repeat(things, each, axis=0)
    count = len(said)
    heads, attributes = np.zeros((count, 3, STATE), np.float16), np.zeros((count, 3, STATE), np.float16)
    heads[:, :2] = meanings[said]
    attributes[:, 0] = rng.standard_normal((count, STATE)) * 0.1
    predicates = np.zeros((count, 2, STATE), np.float16)
    predicates[:, 0] = meanings[0]
    ends = np.zeros((count, 2, 2), np.int8)
    ends[:, 0] = 0, 1
    parts = PartStates(
        heads, attributes, predicates, ends, np.full(count, 2), np.ones(count, np.int64),
        meanings[said].mean(axis=1),
    )  # fmt: skip
    words = np.zeros((count, 4, STATE), np.float16)
    words[:, 1:3] = meanings[said]
    tokens = TokenStates(
        np.zeros(4 * count, np.int32), words.reshape(-1, STATE), np.arange(count + 1) * 4, parts.sentence
    )
    return MatchingData([view], parts, tokens, each)
