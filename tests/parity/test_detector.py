"""The exported detector against OpenCV's run of the frozen graph, on photographs with true boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.support import data_folder

from scenograph.metrics.detection import Boxes, mean_average_precision
from scenograph.onnx.parity import OnnxModel
from scenograph.packs import Pack
from scenograph.packs.build.reference import Found, OpenCvDetector
from scenograph.packs.build.vision import find
from scenograph.prep import decode_image

NOTHING = Boxes(np.zeros((0, 4)), np.zeros(0, dtype=int))


def true_boxes(file: Path) -> Boxes:
    """A YOLO label file: class, centre x, centre y, width, height in fractions of the image."""
    rows = np.loadtxt(file, ndmin=2).reshape(-1, 5)
    corners = np.concatenate([rows[:, 1:3] - rows[:, 3:] / 2, rows[:, 1:3] + rows[:, 3:] / 2], axis=1)
    return Boxes(corners, rows[:, 0].astype(int))


def boxes(found: Found) -> Boxes:
    return Boxes(found.boxes, found.classes, found.scores)


@pytest.mark.data
@pytest.mark.pack
def test_mean_average_precision_is_the_references(default_pack: Pack) -> None:
    folder = data_folder("coco128")
    images = sorted((folder / "images").rglob("*.jpg"))
    labels = {path.stem: path for path in (folder / "labels").rglob("*.txt")}
    model, reference = OnnxModel(default_pack.model_path("detector"), threads=2), OpenCvDetector()
    ours, theirs, truths = [], [], []
    for image in images:
        photo = decode_image(image.read_bytes())
        ours.append(boxes(find(model, photo)))
        theirs.append(boxes(reference(photo)))
        truths.append(true_boxes(labels[image.stem]) if image.stem in labels else NOTHING)
    our_map, their_map = (mean_average_precision(found, truths) for found in (ours, theirs))
    print(f"mAP@0.5 on {len(images)} photographs: ours {our_map:.4f}, OpenCV {their_map:.4f}")
    assert our_map > 0.2
    assert our_map == pytest.approx(their_map, abs=0.005)
