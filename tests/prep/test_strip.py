"""Kept images tell nothing but the picture, and the picture is the same to the last pixel."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tests.support import data_folder, sample_photo

from scenograph.prep.decode import decode_image, image_orientation
from scenograph.prep.strip import strip_metadata
from scenograph.scene.errors import InvalidImage

MARK = "taken-by-anna-at-52.5200-13.4050"
FORMATS = ("JPEG", "PNG", "WEBP")
ORIENTATION, DESCRIPTION, GPS, MAKER_NOTE = 0x0112, 0x010E, 0x8825, 0x927C

texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map(lambda text: MARK + text)


def picture(seed: int = 0, size: tuple[int, int] = (37, 23), mode: str = "RGB") -> Image.Image:
    shape = (*size[::-1], len(mode)) if len(mode) > 1 else size[::-1]
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8), mode)


def exif(text: str, orientation: int) -> bytes:
    block = Image.Exif()
    block[DESCRIPTION] = text
    block[ORIENTATION] = orientation
    block.get_ifd(GPS)[2] = (52.0, 31.0, 12.0)
    block.get_ifd(GPS)[29] = text
    block.get_ifd(0x8769)[MAKER_NOTE] = text.encode()
    return block.tobytes()


def xmp(text: str) -> bytes:
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><text>{text}</text></x:xmpmeta>'.encode()


def encoded(image: Image.Image, kind: str, text: str, orientation: int, **options: object) -> bytes:
    """A file with metadata of every sort that the format takes."""
    file, extra = io.BytesIO(), dict(options)
    if kind == "PNG":
        chunks = PngInfo()
        chunks.add_text("Comment", text)
        chunks.add_text("Software", text, zip=True)
        chunks.add_itxt("XML:com.adobe.xmp", xmp(text).decode())
        extra["pnginfo"] = chunks
    if kind == "JPEG":
        extra |= {"comment": text, "xmp": xmp(text)}
    if kind == "WEBP":
        extra |= {"xmp": xmp(text)}
    image.save(file, kind, exif=exif(text, orientation), icc_profile=PROFILE, **extra)
    content = file.getvalue()
    if kind == "JPEG":
        iptc = b"Photoshop 3.0\x008BIM" + text.encode()
        content = content[:2] + struct.pack(">BBH", 0xFF, 0xED, len(iptc) + 2) + iptc + content[2:]
        content += b"trailer " + text.encode()
    return content


PROFILE = b"\0\0\2\0" + b"profile " * 64  # only its bytes matter


def tags(content: bytes) -> dict[int, object]:
    with Image.open(io.BytesIO(content)) as image:
        return dict(image.getexif())


def profile(content: bytes) -> bytes | None:
    with Image.open(io.BytesIO(content)) as image:
        found: bytes | None = image.info.get("icc_profile")
        return found


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(FORMATS),
    text=texts,
    orientation=st.integers(1, 8),
    seed=st.integers(0, 9),
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
)
def test_nothing_is_told_and_no_pixel_changes(
    kind: str, text: str, orientation: int, seed: int, size: tuple[int, int]
) -> None:
    content = encoded(picture(seed, size), kind, text, orientation)
    assert MARK.encode() in content or kind == "PNG"
    stripped = strip_metadata(content)
    assert MARK.encode() not in stripped and len(stripped) < len(content)
    assert np.array_equal(decode_image(stripped), decode_image(content))
    assert image_orientation(stripped) == orientation
    assert set(tags(stripped)) == ({ORIENTATION} if orientation > 1 else set())
    assert profile(stripped) == PROFILE
    assert strip_metadata(stripped) == stripped


def test_compressed_texts_go_too() -> None:
    """A PNG's may be deflated, so that the text is not to be found as it is."""
    content = encoded(picture(), "PNG", MARK, 1)
    with Image.open(io.BytesIO(strip_metadata(content))) as image:
        image.load()
        assert set(image.info) == {"icc_profile"}


VARIANTS: dict[str, tuple[str, str, dict[str, object]]] = {
    "progressive": ("JPEG", "RGB", {"progressive": True}),
    "restart marks": ("JPEG", "RGB", {"restart_marker_blocks": 1}),
    "grey": ("JPEG", "L", {}),
    "CMYK, which the Adobe mark explains": ("JPEG", "CMYK", {}),
    "4:2:0": ("JPEG", "RGB", {"subsampling": 2}),
    "transparent PNG": ("PNG", "RGBA", {}),
    "palette": ("PNG", "P", {}),
    "transparent WebP": ("WEBP", "RGBA", {}),
    "lossless WebP": ("WEBP", "RGB", {"lossless": True}),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("orientation", [1, 6])
def test_every_variant_of_a_format(variant: str, orientation: int) -> None:
    kind, mode, options = VARIANTS[variant]
    image = picture(3, (64, 48)).quantize(16) if mode == "P" else picture(3, (64, 48), mode)
    content = encoded(image, kind, MARK, orientation, **options)
    stripped = strip_metadata(content)
    assert MARK.encode() not in stripped
    assert np.array_equal(decode_image(stripped), decode_image(content))


def test_a_plain_webp_stays_as_it_is() -> None:
    file = io.BytesIO()
    picture().save(file, "WEBP")
    assert strip_metadata(file.getvalue()) == file.getvalue()


def test_a_small_picture_inside_goes() -> None:
    """A JFIF segment may hold one, of the picture before it was cropped, say."""
    file = io.BytesIO()
    picture().save(file, "JPEG")
    plain = file.getvalue()
    thumbnail = bytes((2, 2)) + MARK[:12].encode()
    jfif = plain[6:18] + thumbnail
    content = plain[:2] + b"\xff\xe0" + struct.pack(">H", len(jfif) + 2) + jfif + plain[20:]
    assert np.array_equal(decode_image(content), decode_image(plain))
    stripped = strip_metadata(content)
    assert MARK[:12].encode() not in stripped and np.array_equal(decode_image(stripped), decode_image(plain))


def test_what_cannot_be_followed_is_painted_anew() -> None:
    """Decoders step over rubbish between segments; it is not kept."""
    file = io.BytesIO()
    picture().save(file, "JPEG")
    content = file.getvalue()
    content = content[:20] + MARK.encode() + content[20:]
    stripped = strip_metadata(content)
    assert MARK.encode() not in stripped
    assert np.array_equal(decode_image(stripped), decode_image(content))


def test_chunks_that_nobody_knows_go() -> None:
    plain = io.BytesIO()
    picture().save(plain, "PNG")
    body = MARK.encode()
    chunk = struct.pack(">I4s", len(body), b"anNa") + body + struct.pack(">I", zlib.crc32(b"anNa" + body))
    content = plain.getvalue()[:33] + chunk + plain.getvalue()[33:]
    assert strip_metadata(content) == plain.getvalue()


def test_other_files_are_refused() -> None:
    for content in (b"", b"GIF89a" + bytes(40), b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"):
        with pytest.raises(InvalidImage):
            strip_metadata(content)


@pytest.mark.parametrize("name", ["rocket.jpg", "astronaut.png", "coffee.png", "chelsea.png"])
def test_photographs(name: str) -> None:
    content = sample_photo(name).read_bytes()
    assert np.array_equal(decode_image(strip_metadata(content)), decode_image(content))


@pytest.mark.data
def test_photographs_from_cameras() -> None:
    """With whatever cameras and sites wrote into them."""
    files = sorted(data_folder("coco128").rglob("*.jpg"))[:40]
    assert files
    for file in files:
        content = file.read_bytes()
        stripped = strip_metadata(content)
        assert len(stripped) <= len(content) and not tags(stripped).keys() - {ORIENTATION}
        assert np.array_equal(decode_image(stripped), decode_image(content))
