"""What a dataset gives: pairs of features with labels, or images with captions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
LabelArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureSplit:
    """Paired features, row i of one modality belonging to row i of the other.

    Shapes: image (n, dx) float32, text (n, dy) float32, labels (n, classes) bool (one or more classes a row).
    """

    ids: tuple[str, ...]
    image: FloatArray
    text: FloatArray
    labels: LabelArray


@dataclass(frozen=True, slots=True, eq=False)
class CaptionSplit:
    """Images with one or more captions each; `captions[i]` belong to `images[i]`."""

    images: tuple[Path, ...]
    captions: tuple[tuple[str, ...], ...]


class FeatureDataset(Protocol):
    """A dataset of precomputed features. `splits` names what `features` takes, e.g. "train" and "test"."""

    @property
    def name(self) -> str: ...

    @property
    def splits(self) -> tuple[str, ...]: ...

    def features(self, split: str) -> FeatureSplit:
        """Errors: InvalidInput (unknown split; files missing or not as published, naming the file)."""
        ...


class CaptionDataset(Protocol):
    """A dataset of captioned photographs."""

    @property
    def name(self) -> str: ...

    @property
    def splits(self) -> tuple[str, ...]: ...

    def captions(self, split: str) -> CaptionSplit:
        """Errors: InvalidInput (unknown split; files missing or not as published, naming the file)."""
        ...
