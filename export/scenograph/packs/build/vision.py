"""Stages of the vision models: the detector against OpenCV and torch, the backbone against torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scenograph.nn.backbone import load_backbone
from scenograph.nn.detector import load_detector
from scenograph.onnx.parity import Feeds, OnnxModel
from scenograph.packs.build import photos
from scenograph.packs.build.modelling import entry, export_checked
from scenograph.packs.build.reference import Found, OpenCvDetector, detection_error
from scenograph.packs.build.sources import BACKBONE, DETECTOR
from scenograph.packs.build.stage import Result, check
from scenograph.packs.build.trained import read_trained
from scenograph.packs.manifest import Parity
from scenograph.prep import backbone_input, detector_input
from scenograph.scene.visual_detection import detect

ImageArray = npt.NDArray[np.uint8]

_ON = f"{len(photos.NAMES)} photographs of scikit-image, in batches of 3 and 1"
_TOLERANCE = 1e-3


def build_detector(work: Path) -> Result:
    """detector.onnx: scores and boxes within 1e-3 of OpenCV's.

    OpenCV's text graph rounds the anchors' sides, so its boxes lie up to 3e-4 from the frozen graph's own.
    """
    exported = export_checked(
        "detector",
        load_detector(DETECTOR.file("frozen graph")),
        work,
        outputs=("boxes", "scores", "features", "map"),
        dynamic={"image": {0: "batch"}},
        feeds=_batches(detector_input),
        on=_ON,
        limit=1e-4,
    )
    reference = OpenCvDetector()
    error = max(detection_error(find(exported.model, photo), reference(photo)) for photo in photos.photos())
    parity = Parity(
        "OpenCV's run of the frozen graph", "the same photographs, after suppression", error, 1e-3
    )
    model = entry(work, exported.file, [*exported.parity, check("detector", parity)], tolerance=_TOLERANCE)
    return Result([exported.file], {"detector": model}, _golden("detector", exported.model, detector_input))


def build_backbone(work: Path) -> Result:
    """backbone.onnx."""
    exported = export_checked(
        "backbone",
        load_backbone(BACKBONE.file("weights"), read_trained("tuned_stage")),
        work,
        outputs=("probs", "features", "cells", "map"),
        dynamic={"image": {0: "batch"}},
        feeds=_batches(backbone_input),
        on=_ON,
        limit=1e-3,
    )
    model = entry(work, exported.file, exported.parity, tolerance=_TOLERANCE)
    return Result([exported.file], {"backbone": model}, _golden("backbone", exported.model, backbone_input))


def find(model: OnnxModel, photo: ImageArray) -> Found:
    """The exported detector's answer for one image, suppressed as the reference does it."""
    answer = model({"image": detector_input(photo)[None]})
    found = detect(answer["boxes"][0], answer["scores"][0])
    return Found(found.boxes, found.scores, found.classes)


def _batches(prepare: Callable[[ImageArray], ImageArray]) -> list[Feeds]:
    images = [prepare(photo) for photo in photos.photos()]
    return [{"image": np.stack(images[i : i + 3])} for i in range(0, len(images), 3)]


def _golden(
    name: str, model: OnnxModel, prepare: Callable[[ImageArray], ImageArray]
) -> dict[str, tuple[Feeds, Feeds]]:
    feeds = {"image": np.stack([prepare(photos.photo(photo)) for photo in photos.GOLDEN])}
    return {name: (feeds, model(feeds))}
