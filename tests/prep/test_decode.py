"""decode_image: what it takes, what it refuses, and that nothing else ever comes out."""

from __future__ import annotations

import importlib.util
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scenograph.prep import decode_image, decode_reduced
from scenograph.scene.errors import ImageTooLarge, InvalidImage

FORMATS: list[tuple[str, dict[str, Any]]] = [
    ("JPEG", {"quality": 95}),
    ("JPEG", {"quality": 95, "progressive": True}),
    ("PNG", {}),
    ("WEBP", {"quality": 95}),
    ("WEBP", {"lossless": True}),
]


def photo(name: str = "chelsea.png") -> Image.Image:
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        pytest.skip("scikit-image, whose photos this test reads, is not installed")
    return Image.open(Path(spec.origin).parent / "data" / name).convert("RGB").resize((150, 100))


def encode(image: Image.Image, fmt: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, fmt, **options)
    return out.getvalue()


@pytest.mark.parametrize(("fmt", "options"), FORMATS)
def test_decodes_each_format(fmt: str, options: dict[str, Any]) -> None:
    source = photo()
    pixels = decode_image(encode(source, fmt, **options))
    assert pixels.shape == (100, 150, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - np.asarray(source)).mean() < 3


@pytest.mark.parametrize(("fmt", "options"), FORMATS)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.98])
def test_refuses_a_truncated_image(fmt: str, options: dict[str, Any], kept: float) -> None:
    data = encode(photo(), fmt, **options)
    with pytest.raises(InvalidImage) as caught:
        decode_image(data[: int(len(data) * kept)], field="items[3].image")
    assert caught.value.violations[0].field == "items[3].image"


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"hello, world", b"GIF89a" + bytes(40), b"\xff\xd8\xff", b"RIFF0000WEBP"]
)
def test_refuses_what_is_not_an_image(data: bytes) -> None:
    with pytest.raises(InvalidImage):
        decode_image(data)


@pytest.mark.parametrize("fmt", ["GIF", "BMP", "TIFF"])
def test_refuses_other_formats(fmt: str) -> None:
    with pytest.raises(InvalidImage, match="not a JPEG, PNG or WebP"):
        decode_image(encode(photo(), fmt))


def png_claiming(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"IDAT" + zlib.compress(bytes(100))
    chunks = b"".join(
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, body)
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_refuses_a_bomb_by_its_header() -> None:
    with pytest.raises(ImageTooLarge, match="60000 x 60000"):
        decode_image(png_claiming(60_000, 60_000))
    with pytest.raises(ImageTooLarge, match="10000 x 10000"):
        decode_image(png_claiming(10_000, 10_000))


@pytest.mark.parametrize(("fmt", "options"), FORMATS)
def test_limits_are_inclusive(fmt: str, options: dict[str, Any]) -> None:
    data = encode(photo(), fmt, **options)
    assert decode_image(data, max_pixels=15_000, max_bytes=len(data)).shape == (100, 150, 3)
    with pytest.raises(ImageTooLarge, match="150 x 100"):
        decode_image(data, max_pixels=14_999)
    with pytest.raises(ImageTooLarge, match="bytes"):
        decode_image(data, max_bytes=len(data) - 1)


def test_webp_with_alpha_is_checked_by_its_header() -> None:
    see_through = photo()
    see_through.putalpha(100)
    data = encode(see_through, "WEBP")
    assert data[12:16] == b"VP8X"
    with pytest.raises(ImageTooLarge):
        decode_image(data, max_pixels=14_999)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_applies_exif_orientation(orientation: int) -> None:
    upright = np.zeros((20, 30, 3), np.uint8)
    upright[:10, :15] = (255, 0, 0)
    upright[:10, 15:] = (0, 255, 0)
    upright[10:, :15] = (0, 0, 255)
    # Undo what a viewer would do: store the picture as a camera held that way would have.
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = Image.fromarray(upright)
    if orientation in undo:
        stored = stored.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(decode_image(encode(stored, "PNG", exif=exif)), upright)


def test_a_broken_exif_block_spoils_no_picture() -> None:
    pixels = decode_image(encode(photo(), "PNG", exif=b"Exif\0\0garbage-not-a-tiff-header"))
    assert pixels.shape == (100, 150, 3)


def test_flattens_alpha_on_white() -> None:
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[:2] = (10, 20, 30, 255)
    rgba[3] = (0, 0, 0, 128)
    pixels = decode_image(encode(Image.fromarray(rgba), "PNG"))
    assert (pixels[:2] == (10, 20, 30)).all()
    assert (pixels[2] == 255).all()
    assert (pixels[3] == 127).all()


def test_flattens_a_transparent_palette() -> None:
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([9, 9, 9, 200, 0, 0])
    palette.putpixel((0, 0), 1)
    pixels = decode_image(encode(palette, "PNG", transparency=0))
    assert tuple(pixels[0, 0]) == (200, 0, 0)
    assert (pixels[1:] == 255).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_every_png_mode_becomes_rgb(mode: str) -> None:
    assert decode_image(encode(photo().convert(mode), "PNG")).shape == (100, 150, 3)


def test_grey_and_cmyk_jpeg() -> None:
    assert decode_image(encode(photo().convert("L"), "JPEG")).shape == (100, 150, 3)
    assert decode_image(encode(photo().convert("CMYK"), "JPEG")).shape == (100, 150, 3)


def test_sixteen_bit_grey_keeps_its_high_byte() -> None:
    grey = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    pixels = decode_image(encode(Image.fromarray(grey), "PNG"))
    np.testing.assert_array_equal(pixels[:, :, 1], (grey >> 8).astype(np.uint8))


@settings(max_examples=60, deadline=None)
@given(
    fmt=st.sampled_from(FORMATS),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=20
    ),
)
def test_damage_gives_an_image_or_a_clear_error(
    fmt: tuple[str, dict[str, Any]], changes: list[tuple[float, int]]
) -> None:
    data = bytearray(encode(photo(), fmt[0], **fmt[1]))
    for place, value in changes:
        data[int(place**3 * len(data))] = value  # mostly in the headers
    try:
        pixels = decode_image(bytes(data), max_pixels=1_000_000)
    except (InvalidImage, ImageTooLarge):
        return
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
    assert pixels.dtype == np.uint8


@pytest.mark.parametrize(
    ("side", "shape"), [(0, (400, 600)), (200, (200, 300)), (201, (400, 600)), (90, (100, 150))]
)
def test_a_large_jpeg_is_decoded_at_a_part_of_its_sides(side: int, shape: tuple[int, int]) -> None:
    source = photo().resize((600, 400), Image.Resampling.BICUBIC)
    pixels, size = decode_reduced(encode(source, "JPEG", quality=95), side)
    assert (pixels.shape[:2], size) == (shape, (600, 400))
    small = np.asarray(source.resize(shape[::-1], Image.Resampling.BOX)).astype(int)
    assert np.abs(pixels.astype(int) - small).mean() < 3


def test_a_reduced_image_is_upright_and_so_is_its_size() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    data = encode(photo().resize((600, 400)), "JPEG", quality=95, exif=exif)
    pixels, size = decode_reduced(data, 200)
    assert (pixels.shape[:2], size) == ((300, 200), (400, 600))


@pytest.mark.parametrize("fmt", ["PNG", "WEBP"])
def test_other_formats_keep_their_pixels(fmt: str) -> None:
    data = encode(photo().resize((600, 400)), fmt)
    pixels, size = decode_reduced(data, 50)
    np.testing.assert_array_equal(pixels, decode_image(data))
    assert size == (600, 400)
