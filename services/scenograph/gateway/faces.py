"""Faces found and made unrecognisable, before anything else is made of an image.

The detector is CenterFace (MIT licence), made by `scenograph pack faces`. It finds most faces, not all:
small, covered and averted ones are missed more often.
"""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image

from scenograph.packs.faces.installed import read_detector
from scenograph.prep.decode import ImageArray, decode_image

LONGEST_SIDE = 1280  # pixels that the detector sees: more finds smaller faces, and takes longer
SMALLEST_SIDE = 800  # smaller images are enlarged to it
STEP = 4  # pixels between the places that it scores
SURE = 0.25  # least score: rather a blurred wall than a face
OVERLAP = 0.3
MARGIN = 0.25  # of a face's sides, on each side: hair, ears and chin
CELLS = 6  # what is left of a face: so many patches of colour a side
QUALITY = 92

Boxes = npt.NDArray[np.float32]


class FaceBlurrer:
    """Works on one image at a time, on a thread of its own. The detector is loaded when it is first needed;
    until it is there and sound, images are refused.
    """

    def __init__(self, detector: Path, max_pixels: int, max_bytes: int) -> None:
        self._detector = detector
        self._max_pixels = max_pixels
        self._max_bytes = max_bytes
        self._thread = ThreadPoolExecutor(1, "faces")

    async def blurred(self, content: bytes) -> bytes:
        """The image with its faces blurred, as a JPEG; the very same bytes where none is found.

        Errors: InvalidImage, ImageTooLarge, NoFaceDetector.
        """
        run = copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._thread, run, self._blurred, content)

    def _blurred(self, content: bytes) -> bytes:
        pixels = decode_image(content, max_pixels=self._max_pixels, max_bytes=self._max_bytes)
        faces = self.find(pixels)
        if not len(faces):
            return content
        file = io.BytesIO()
        Image.fromarray(blur(pixels, faces)).save(file, "JPEG", quality=QUALITY, subsampling=0)
        return file.getvalue()

    def find(self, pixels: ImageArray) -> Boxes:
        """Faces as left, top, right, bottom in pixels.  Shapes: (H, W, 3) uint8 RGB -> (n, 4).

        Errors: NoFaceDetector.
        """
        height, width = pixels.shape[:2]
        scale = min(LONGEST_SIDE / max(height, width), max(1.0, SMALLEST_SIDE / max(height, width)))
        tall, wide = (max(32, round(side * scale / 32) * 32) for side in (height, width))
        seen = cv2.resize(
            pixels, (wide, tall), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        )
        image = np.ascontiguousarray(seen.transpose(2, 0, 1)[np.newaxis], np.float32)
        heat, size, offset = self._session.run(["heat", "size", "offset"], {"image": image})
        faces = _decoded(heat[0, 0], size[0], offset[0])
        return faces * np.array([width / wide, height / tall] * 2, np.float32)

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        model = read_detector(self._detector)
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _decoded(heat: Boxes, size: Boxes, offset: Boxes) -> Boxes:
    """The boxes of the places where a face's centre is, overlapping ones once.

    Shapes: heat (h, w), size (2, h, w), offset (2, h, w) -> (n, 4).
    """
    rows, columns = np.nonzero(heat > SURE)
    tall, wide = np.exp(size[:, rows, columns]) * STEP
    down, right = offset[:, rows, columns]
    left = (columns + right + 0.5) * STEP - wide / 2
    top = (rows + down + 0.5) * STEP - tall / 2
    places = np.stack([left, top, wide, tall], axis=1)
    kept = cv2.dnn.NMSBoxes(places.tolist(), heat[rows, columns].tolist(), SURE, OVERLAP)
    found = places[np.array(kept, np.int64).reshape(-1)]
    found[:, 2:] += found[:, :2]
    return found.astype(np.float32)


def blur(pixels: ImageArray, faces: Boxes) -> ImageArray:
    """The image with each face, and a margin around it, reduced to a few patches of colour."""
    height, width = pixels.shape[:2]
    blurred = pixels.copy()
    for left, top, right, bottom in faces.tolist():
        across, down = (right - left) * MARGIN, (bottom - top) * MARGIN
        x, y = max(0, int(left - across)), max(0, int(top - down))
        part = blurred[y : min(height, int(bottom + down) + 1), x : min(width, int(right + across) + 1)]
        if part.size:
            small = cv2.resize(part, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
            part[:] = cv2.resize(small, part.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return blurred
