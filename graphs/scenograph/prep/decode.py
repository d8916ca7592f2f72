"""Image bytes to an RGB array. Strangers send the bytes: limits come before the work they limit."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin
from PIL.ImageFile import ImageFile

from scenograph.scene.errors import ImageTooLarge, InvalidImage

MAX_IMAGE_BYTES = 32 * 2**20
MAX_IMAGE_PIXELS = 64_000_000

ImageArray = npt.NDArray[np.uint8]

_EXIF_ORIENTATION = 0x0112
# EXIF orientation -> (transpose, flip up-down, flip left-right), done in that order to bring it upright.
_UPRIGHT = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
# What Pillow's decoders raise on damaged bytes, besides OSError.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    LookupError,
    OverflowError,
    AttributeError,
    AssertionError,
    struct.error,
)


def decode_image(
    data: bytes, *, max_pixels: int = MAX_IMAGE_PIXELS, max_bytes: int = MAX_IMAGE_BYTES, field: str = "image"
) -> ImageArray:
    """Decode a JPEG, PNG or WebP (first frame) upright, alpha on white, grey as RGB, 16 bits as 8.

    Shapes: -> (H, W, 3) uint8 RGB.  `field` names the request field in errors.
    Errors: InvalidImage (another format, damaged, truncated), ImageTooLarge (told from the header alone).
    """
    return decode_reduced(data, 0, max_pixels=max_pixels, max_bytes=max_bytes, field=field)[0]


def decode_reduced(
    data: bytes,
    least_side: int,
    *,
    max_pixels: int = MAX_IMAGE_PIXELS,
    max_bytes: int = MAX_IMAGE_BYTES,
    field: str = "image",
) -> tuple[ImageArray, tuple[int, int]]:
    """As `decode_image`, and the image's full (width, height), upright.

    A large JPEG comes at a half, a quarter or an eighth of its sides where both keep `least_side` pixels
    (0: never): libjpeg-turbo then leaves out what a smaller picture does not show.
    """
    if len(data) > max_bytes:
        raise ImageTooLarge(f"image of {len(data)} bytes; the limit is {max_bytes}", field=field)
    opener = _opener(data, field)
    _check_pixels(_webp_size(data), max_pixels, field)  # Pillow allocates a WebP's canvas on opening it
    try:
        with opener(io.BytesIO(data)) as image:
            width, height = image.size
            _check_pixels((width, height), max_pixels, field)
            if least_side:
                image.draft(None, (least_side, least_side))  # of other formats it does nothing
            image.load()
            orientation = _orientation(image)
            if _UPRIGHT.get(orientation, (False,))[0]:
                width, height = height, width
            return _upright(_to_rgb(image), orientation), (width, height)
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(f"image has too many pixels: {error}", field=field) from None
    except _DECODER_ERRORS as error:
        raise InvalidImage(f"damaged or truncated image: {error}", field=field) from None


def image_orientation(data: bytes, *, field: str = "image") -> int:
    """How a JPEG, PNG or WebP says that it is turned (EXIF, 1 to 8); 1 where it does not.

    Errors: InvalidImage.
    """
    try:
        with _opener(data, field)(io.BytesIO(data)) as image:
            return _orientation(image)
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(f"image has too many pixels: {error}", field=field) from None
    except _DECODER_ERRORS as error:
        raise InvalidImage(f"damaged or truncated image: {error}", field=field) from None


def _opener(data: bytes, field: str) -> Callable[[io.BytesIO], ImageFile]:
    """Pillow's reader for the data's magic number: the plugin itself, so no other format is ever tried."""
    if data.startswith(b"\xff\xd8\xff"):
        return JpegImagePlugin.JpegImageFile
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImagePlugin.PngImageFile
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile
    raise InvalidImage("not a JPEG, PNG or WebP image" if data else "empty image", field=field)


def _check_pixels(size: tuple[int, int], max_pixels: int, field: str) -> None:
    width, height = size
    if width * height > max_pixels:
        raise ImageTooLarge(f"image of {width} x {height} pixels; the limit is {max_pixels}", field=field)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height in a WebP's header; (0, 0) for anything else, or a damaged header."""
    head, kind = data[20:30], data[12:16]
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(head) < 10:
        return 0, 0
    if kind == b"VP8X":
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[6:10])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


def _to_rgb(image: Image.Image) -> ImageArray:
    if image.mode.startswith("I"):  # 16-bit grey
        grey = (np.asarray(image).astype(np.int64).clip(0, 0xFFFF) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        canvas = Image.new("RGBA", layered.size, "white")
        return np.array(Image.alpha_composite(canvas, layered).convert("RGB"))
    return np.array(image.convert("RGB"))


def _orientation(image: ImageFile) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except _DECODER_ERRORS:  # a broken EXIF block spoils no picture
        return 1


def _upright(pixels: ImageArray, orientation: int) -> ImageArray:
    transpose, up_down, left_right = _UPRIGHT.get(orientation, (False, False, False))
    if transpose:
        pixels = pixels.transpose(1, 0, 2)
    if up_down:
        pixels = pixels[::-1]
    if left_right:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
