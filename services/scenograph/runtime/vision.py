"""From encoded images to what a pack's vision models see in them, for the visual and encoder services."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scenograph.prep import MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS, backbone_input, decode_reduced, detector_input
from scenograph.runtime.batcher import Batcher
from scenograph.runtime.contracts import ImageFeatures, Timings
from scenograph.runtime.sessions import Sessions
from scenograph.runtime.telemetry.spans import span
from scenograph.scene.errors import InvalidInput, ScenographError
from scenograph.scene.visual_detection import Detections, detect, object_scores

FloatArray = NDArray[np.float32]
Answer = Mapping[str, FloatArray]  # a model's outputs, by name
ImageArray = NDArray[np.uint8]

MODELS = ("detector", "backbone")
PREVIEW_SIDE = 512  # colours need no more pixels than that
DECODED_SIDE = 600  # twice the side of what the models take: a large JPEG is decoded to no fewer pixels


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded image as the models take it, and a `preview` (h, w, 3) of at most PREVIEW_SIDE a side."""

    width: int
    height: int
    preview: ImageArray
    detector: ImageArray
    backbone: ImageArray


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What the models see in an image; `cells` (h, w, classes) is the backbone's dense class map.

    `boxes` (A, 4) and `scores` (A, C) are the detector's, of all its anchors. `maps`: the last feature map
    (h, w, channels) of "detector" and of "backbone", where the pack's models give them.
    """

    width: int
    height: int
    preview: ImageArray
    boxes: FloatArray
    scores: FloatArray
    cells: FloatArray
    features: ImageFeatures
    maps: Mapping[str, FloatArray]

    def detections(self) -> Detections:
        """The objects found; only graphs need them, and they take as long as a small model (blocking)."""
        return detect(self.boxes, self.scores)


class Vision:
    """Decodes images and runs the detector and the backbone on them, each image failing only for itself.

    `batch_rows`: images in one run of a model. On a CPU one at a time is the fastest (batches of 4 or 8 cost
    3 to 5 % more an image) and makes an image's numbers independent of its companions; a GPU wants more.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        max_pixels: int = MAX_IMAGE_PIXELS,
        max_bytes: int = MAX_IMAGE_BYTES,
        batch_rows: int = 1,
        batch_wait_s: float = 0.0,
        max_queue: int = 256,
    ) -> None:
        self._sessions = sessions
        self._max_pixels = max_pixels
        self._max_bytes = max_bytes
        self._detector = Batcher(
            self._run_detector,
            sessions.executor,
            max_rows=batch_rows,
            wait_s=batch_wait_s,
            max_queue=max_queue,
            parallel=sessions.workers,
            name="detector",
            metrics=sessions.metrics,
        )
        self._backbone = Batcher(
            self._run_backbone,
            sessions.executor,
            max_rows=batch_rows,
            wait_s=batch_wait_s,
            max_queue=max_queue,
            parallel=sessions.workers,
            name="backbone",
            metrics=sessions.metrics,
        )

    async def look(
        self, images: Sequence[bytes], *, fields: Sequence[str] | None = None
    ) -> tuple[list[Sight | ScenographError], Timings]:
        """What is seen in each image or what is wrong with it; milliseconds of "decode" and "infer".

        `fields`: the request field of each image, for its errors. Raises QueueFull for the whole call.
        """
        fields = fields or [f"images[{place}]" for place in range(len(images))]
        start = time.perf_counter()
        with span("decode", {"scenograph.batch.rows": len(images)}):
            decoded = await asyncio.gather(
                *(
                    self._sessions.offload(self._decode, data, field=field)
                    for data, field in zip(images, fields, strict=True)
                )
            )
        middle = time.perf_counter()
        pictures = [item for item in decoded if isinstance(item, Picture)]
        found, classified = await asyncio.gather(
            self._detector.submit([picture.detector for picture in pictures]),
            self._backbone.submit([picture.backbone for picture in pictures]),
        )
        sights = map(_sight, pictures, found, classified)
        results = [next(sights) if isinstance(item, Picture) else item for item in decoded]
        end = time.perf_counter()
        return results, {"decode": (middle - start) * 1e3, "infer": (end - middle) * 1e3}

    def _decode(self, data: bytes, *, field: str) -> Picture | ScenographError:
        try:
            pixels, (width, height) = decode_reduced(
                data, DECODED_SIDE, max_pixels=self._max_pixels, max_bytes=self._max_bytes, field=field
            )
        except InvalidInput as error:
            return error
        return Picture(width, height, _preview(pixels), detector_input(pixels), backbone_input(pixels))

    def _run_detector(self, rows: list[ImageArray]) -> list[Answer]:
        return _rows(self._sessions.infer("detector", {"image": np.stack(rows)}), len(rows))

    def _run_backbone(self, rows: list[ImageArray]) -> list[Answer]:
        return _rows(self._sessions.infer("backbone", {"image": np.stack(rows)}), len(rows))


def _rows(answer: Answer, count: int) -> list[Answer]:
    return [{name: values[row] for name, values in answer.items()} for row in range(count)]


def _sight(picture: Picture, detector: Answer, backbone: Answer) -> Sight:
    features = ImageFeatures(
        class_probabilities=backbone["probs"],
        object_scores=object_scores(detector["scores"]),
        pooled=backbone["features"],
        detector_pooled=detector.get("features", np.zeros(0, dtype=np.float32)),
    )
    models = {"detector": detector, "backbone": backbone}
    return Sight(
        width=picture.width,
        height=picture.height,
        preview=picture.preview,
        boxes=detector["boxes"],
        scores=detector["scores"],
        cells=backbone["cells"],
        features=features,
        maps={name: answer["map"] for name, answer in models.items() if "map" in answer},
    )


def _preview(pixels: ImageArray) -> ImageArray:
    """The image, shrunk where it is larger than PREVIEW_SIDE."""
    height, width = pixels.shape[:2]
    scale = PREVIEW_SIDE / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
