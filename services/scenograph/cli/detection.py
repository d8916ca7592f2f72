"""Runs a pack's detector over photographs with true boxes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import Progress

from scenograph.metrics.detection import Boxes, average_precisions
from scenograph.packs import open_pack
from scenograph.prep import decode_image, detector_input
from scenograph.runtime.sessions import Sessions
from scenograph.scene.errors import InvalidInput
from scenograph.scene.visual_detection import detect
from scenograph.scene.vocabulary import Vocabulary

IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""COCO's thresholds."""
SUFFIXES = {".jpg", ".jpeg", ".png"}
NOTHING = Boxes(np.zeros((0, 4)), np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class DetectorResult:
    """`by_class`: average precision at IoU 0.5 of each class with a true box, and how many it has."""

    pack: str
    photos: int
    map_50: float
    map_50_95: float
    by_class: tuple[tuple[str, float, int], ...]


def measure(pack_name: str, folder: Path, limit: int, bar: Progress) -> DetectorResult:
    """Errors: InvalidInput (no photographs; a label file that is not YOLO's), PackNotFound."""
    photos = sorted(path for path in folder.rglob("images/**/*") if path.suffix.lower() in SUFFIXES)
    photos = photos[: limit or None]
    if not photos:
        raise InvalidInput(f"{folder} has no photographs in a folder images")
    labels = {path.stem: path for path in folder.rglob("labels/**/*.txt")}
    sessions = Sessions(open_pack(pack_name))
    names = Vocabulary.load().object_names
    found, truths = [], []
    task = bar.add_task("photos", total=len(photos))
    for photo in photos:
        pixels = detector_input(decode_image(photo.read_bytes()))
        answer = sessions.infer("detector", {"image": pixels[None]})
        boxes = detect(answer["boxes"][0], answer["scores"][0])
        found.append(Boxes(boxes.boxes, boxes.classes, boxes.scores))
        truths.append(true_boxes(labels[photo.stem], len(names)) if photo.stem in labels else NOTHING)
        bar.advance(task)
    sessions.close()
    classes = np.concatenate([truth.classes for truth in truths])
    precisions = {iou: average_precisions(found, truths, iou_threshold=iou) for iou in IOUS}
    by_class = tuple(
        (names[label], value, int((classes == label).sum())) for label, value in precisions[0.5].items()
    )
    return DetectorResult(
        sessions.pack.id,
        len(photos),
        _mean(precisions[0.5].values()),
        _mean(_mean(each.values()) for each in precisions.values()),
        by_class,
    )


def true_boxes(file: Path, classes: int) -> Boxes:
    """A YOLO label file: class, centre x, centre y, width, height in fractions of the image."""
    rows = [line.split() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    try:
        values = np.array(rows, dtype=np.float64).reshape(-1, 5)
    except ValueError:
        raise InvalidInput(f"{file}: lines are not: class, centre x, centre y, width, height") from None
    labels = values[:, 0].astype(np.int64)
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise InvalidInput(f"{file}: classes are from 0 to {classes - 1}")
    corners = np.concatenate([values[:, 1:3] - values[:, 3:] / 2, values[:, 1:3] + values[:, 3:] / 2], axis=1)
    return Boxes(corners, labels)


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
