"""Small image files, and what is wrong with them: flipped bits, ends cut off, headers that lie, bombs."""

from __future__ import annotations

import io
import random
import zlib
from functools import cache

import numpy as np
from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP")
SIDE = 48
BOMB_SIDE = 12_000


@cache
def sound() -> tuple[bytes, ...]:
    """A picture in each format."""
    pixels = np.random.default_rng(5).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    return tuple(_saved(Image.fromarray(pixels), kind) for kind in FORMATS)


@cache
def bombs() -> tuple[bytes, ...]:
    """Small files of very many pixels: 144 million as PNG, 64 million and more as WebP."""
    return (
        _saved(Image.new("1", (BOMB_SIDE, BOMB_SIDE)), "PNG"),
        _saved(Image.new("L", (12_000, 5_000)), "JPEG"),
        _sized_png(2**31 - 1, 2**31 - 1),
        _sized_png(0, 0),
        _sized_png(1, 63_000_000),
    )


def mutated(image: bytes, choose: random.Random) -> bytes:
    """Something wrong with a file."""
    how = choose.randrange(8)
    if how == 0:
        return choose.choice(bombs())
    if how == 1:
        return image[: choose.randrange(len(image) + 1)]
    if how == 2:
        return _sized_png(choose.choice((0, 1, 60_000, 2**31)), choose.choice((1, 60_000, 2**32 - 1)))
    if how == 3:
        return _resized_jpeg(sound()[0], choose)
    if how == 4:
        other = choose.choice(sound())
        return image[: choose.randrange(len(image) + 1)] + other[choose.randrange(len(other)) :]
    if how == 5:
        at = choose.randrange(len(image) + 1)
        return image[:at] + choose.randbytes(choose.randrange(200)) + image[at:]
    content = bytearray(image)
    for _ in range(choose.choice((1, 1, 4, 40))):
        if content:
            content[choose.randrange(len(content))] ^= 1 << choose.randrange(8)
    return bytes(content)


def _saved(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def _sized_png(width: int, height: int) -> bytes:
    """The PNG with a header that says another size, its checksum right."""
    content = bytearray(sound()[1])
    content[16:20] = (width & 0xFFFFFFFF).to_bytes(4, "big")
    content[20:24] = (height & 0xFFFFFFFF).to_bytes(4, "big")
    content[29:33] = zlib.crc32(bytes(content[12:29])).to_bytes(4, "big")
    return bytes(content)


def _resized_jpeg(content: bytes, choose: random.Random) -> bytes:
    """The JPEG with a frame header that says another size."""
    at = content.find(b"\xff\xc0")
    if at < 0:
        return content
    size = b"".join(choose.choice((0, 1, 9, 65_535)).to_bytes(2, "big") for _ in range(2))
    return content[: at + 5] + size + content[at + 9 :]
