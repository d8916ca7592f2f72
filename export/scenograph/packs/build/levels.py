"""How the default pack's embeddings and codes divide into levels."""

from __future__ import annotations

from itertools import accumulate

from scenograph.nn.hash_head import SHARES, bit_ranges
from scenograph.nn.image_head import NAMES, SIZES
from scenograph.packs.manifest import Level

WEIGHTS = (0.4, 0.2, 0.15, 0.25)
"""Chosen on Flickr8k's dev photographs, and on COCO's classes for what training never showed."""

LEVELS = tuple(
    Level(name=name, start=stop - size, stop=stop, weight=weight, bits=bits)
    for name, size, stop, weight, bits in zip(
        NAMES, SIZES, accumulate(SIZES), WEIGHTS, bit_ranges(SHARES), strict=True
    )
)
