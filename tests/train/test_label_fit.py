"""The fit of the level of labels: what captions tell of a class, and names where they tell nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scenograph.nn.label_level import CLASSES, OBJECTS, SENTENCE, ImageLabels, TextLabels
from scenograph.train.label_fit import fit_labels

Numbers = NDArray[Any]
Fitted = tuple[ImageLabels, TextLabels, Numbers]
PHOTOS, TOLD = 120, 6
"""Photographs, and classes that they show; the captions of class c are near the name of class c + TOLD."""


def unit(values: Numbers) -> Numbers:
    return np.asarray(values / np.linalg.norm(values, axis=-1, keepdims=True), dtype=np.float32)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    rng = np.random.default_rng(0)
    names = unit(rng.normal(size=(CLASSES + OBJECTS, SENTENCE)))
    shown = np.arange(PHOTOS) % TOLD
    probs = np.full((PHOTOS, CLASSES), 0.05 / (CLASSES - 1), np.float32)
    probs[np.arange(PHOTOS), shown] = 0.95
    sentences = unit(names[shown + TOLD][:, None] + 0.02 * rng.normal(size=(PHOTOS, 3, SENTENCE)))
    image, text = ImageLabels(size=SENTENCE), TextLabels(size=SENTENCE)
    fit_labels(
        image,
        text,
        class_probs=probs,
        object_scores=np.zeros((PHOTOS, OBJECTS), np.float32),
        sentences=sentences,
        names=names,
        ridge=0.01,
    )
    return image, text, names


def nearest(fitted: Fitted, shown: int) -> int:
    """The name nearest to a photograph that shows one class for certain."""
    image, text, names = fitted
    probs = torch.zeros(1, CLASSES)
    probs[0, shown] = 1
    return int((image(probs, torch.zeros(1, OBJECTS)) @ text(torch.from_numpy(names)).T).argmax())


def test_a_class_means_what_its_captions_say(fitted: Fitted) -> None:
    assert [nearest(fitted, shown) for shown in range(TOLD)] == list(range(TOLD, 2 * TOLD))


def test_an_untold_class_means_its_name(fitted: Fitted) -> None:
    assert [nearest(fitted, shown) for shown in (50, 500, 999)] == [50, 500, 999]
