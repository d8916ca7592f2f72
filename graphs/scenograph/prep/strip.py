"""Image files without what they tell beside the picture: where and when it was taken, with what, by whom.

Segments and chunks are cut out; the compressed picture itself is copied as it is, so every decoder gives the
same pixels. What decoding needs stays: colour profiles, the Adobe and JFIF marks, transparency, and the
orientation, alone in a block of its own. What follows the picture's end goes.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator

from PIL import Image

from scenograph.prep.decode import decode_image, image_orientation
from scenograph.scene.errors import InvalidImage

_PNG = b"\x89PNG\r\n\x1a\n"
# Marks of JPEG that have no length after them.
_BARE = frozenset((0x01, *range(0xD0, 0xD8)))
_SOI, _EOI, _SOS, _APP0, _APP1, _APP2, _APP14, _COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
_JPEG_KEPT = {_APP0: b"JFIF\0", _APP2: b"ICC_PROFILE\0", _APP14: b"Adobe"}
_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP bKGD pHYs hIST acTL fcTL fdAT".split()
)
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"ANIM", b"ANMF"))
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04


def strip_metadata(data: bytes) -> bytes:
    """A JPEG, PNG or WebP without EXIF, GPS, XMP, IPTC, comments and the like; pixels and orientation stay.

    A file whose parts cannot be told apart, though it can be decoded, comes as a PNG of its pixels. Errors:
    InvalidImage, ImageTooLarge.
    """
    upright = image_orientation(data)
    strip = _stripper(data)
    try:
        return strip(data, upright if 2 <= upright <= 8 else 0)
    except (_Unclear, struct.error, IndexError):
        return _painted(data)


class _Unclear(Exception):
    """The file's structure cannot be followed."""


def _painted(data: bytes) -> bytes:
    file = io.BytesIO()
    Image.fromarray(decode_image(data, max_bytes=len(data))).save(file, "PNG")
    return file.getvalue()


def _stripper(data: bytes) -> Callable[[bytes, int], bytes]:
    if data.startswith(b"\xff\xd8\xff"):
        return _strip_jpeg
    if data.startswith(_PNG):
        return _strip_png
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _strip_webp
    raise InvalidImage("not a JPEG, PNG or WebP image", field="image")


def _tiff(orientation: int) -> bytes:
    """An EXIF block that says the orientation and nothing else."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)


def _strip_jpeg(data: bytes, orientation: int) -> bytes:
    block = b"Exif\0\0" + _tiff(orientation)
    exif = struct.pack(">BBH", 0xFF, _APP1, len(block) + 2) + block if orientation else b""
    kept, told = [data[:2]], False
    for mark, start, end in _jpeg_segments(data):
        wanted = _JPEG_KEPT.get(mark)
        is_extra = 0xE0 <= mark <= 0xEF or mark == _COM
        if is_extra and (wanted is None or not data[start + 4 : end].startswith(wanted)):
            continue
        if not told and mark != _APP0:  # JFIF comes first
            kept.append(exif)
            told = True
        segment = data[start:end]
        kept.append(_without_thumbnail(segment) if mark == _APP0 else segment)
    return b"".join(kept)


def _without_thumbnail(segment: bytes) -> bytes:
    """A JFIF segment without the small picture that it may hold."""
    return segment[:2] + struct.pack(">H", 16) + segment[4:16] + bytes(2)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Mark, start and end of each segment up to the picture's end; a scan has its compressed data with it."""
    at = 2
    while at < len(data):
        if data[at] != 0xFF:
            raise _Unclear("a segment does not begin with a mark")
        start = at
        while data[at] == 0xFF:  # a mark may be led by any number of these
            at += 1
        mark, at = data[at], at + 1
        if mark in _BARE:
            yield mark, at - 2, at
            continue
        if mark == _EOI:
            yield mark, at - 2, at
            return
        (length,) = struct.unpack_from(">H", data, at)
        start, at = at - 2, at + length
        if mark == _SOS:
            at = _scan_end(data, at)
        yield mark, start, min(at, len(data))


def _scan_end(data: bytes, at: int) -> int:
    """Where a scan's compressed data ends: at the next mark that is not part of it."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            return len(data)
        following = data[at + 1]
        if following == 0xFF:
            at += 1
        elif following == 0 or following in _BARE:
            at += 2
        else:
            return at


def _strip_png(data: bytes, orientation: int) -> bytes:
    kept, at = [_PNG], len(_PNG)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if kind in _PNG_KEPT:
            kept.append(data[at:end])
        if kind == b"IHDR" and orientation:
            block = _tiff(orientation)
            crc = struct.pack(">I", zlib.crc32(b"eXIf" + block))
            kept.append(struct.pack(">I4s", len(block), b"eXIf") + block + crc)
        if kind == b"IEND":
            break
        at = end
    return b"".join(kept)


def _strip_webp(data: bytes, orientation: int) -> bytes:
    kept, at = [], 12
    end = min(len(data), 8 + int(struct.unpack_from("<I", data, 4)[0]))
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        chunk = data[at : at + 8 + length + length % 2]
        if kind == b"VP8X":
            flags = chunk[8] & ~(_EXIF_FLAG | _XMP_FLAG) | (_EXIF_FLAG if orientation else 0)
            chunk = chunk[:8] + bytes((flags,)) + chunk[9:]
        if kind in _WEBP_KEPT:
            kept.append(chunk)
        at += 8 + length + length % 2
    if orientation:
        block = _tiff(orientation)
        kept.append(struct.pack("<4sI", b"EXIF", len(block)) + block)
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body
