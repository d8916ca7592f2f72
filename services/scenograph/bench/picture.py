"""Pictures that are drawn, for benchmarks that are given no photographs: as costly to see as any other."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 320, 240
QUALITY = 80


def drawn_picture(number: int) -> bytes:
    """A JPEG of soft noise with shapes on it, another for each number."""
    random = np.random.default_rng(number)
    coarse = Image.fromarray(random.integers(60, 200, (12, 16, 3), dtype=np.uint8))
    picture = coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for shape in range(6):
        x, y = int(random.integers(0, WIDTH - 60)), int(random.integers(0, HEIGHT - 60))
        width, height = (int(side) for side in random.integers(30, 120, 2))
        colour = tuple(int(part) for part in random.integers(0, 256, 3))
        (draw.ellipse if shape % 2 else draw.rectangle)((x, y, x + width, y + height), fill=colour)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
