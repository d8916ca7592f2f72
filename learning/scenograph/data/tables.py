"""The two concrete datasets: a card, its splits, and a function that reads one of them when asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scenograph.data.card import DatasetCard
from scenograph.data.contracts import CaptionSplit, FeatureSplit
from scenograph.scene.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Features:
    """A `FeatureDataset` whose splits are read when asked for."""

    card: DatasetCard
    splits: tuple[str, ...]
    read: Callable[[str], FeatureSplit]

    @property
    def name(self) -> str:
        return self.card.name

    def features(self, split: str) -> FeatureSplit:
        """Errors: InvalidInput (unknown split; files missing or not as published, naming the file)."""
        _check_split(self.card, self.splits, split)
        return check_features(self.card, split, self.read(split))


@dataclass(frozen=True, slots=True)
class Captions:
    """A `CaptionDataset` whose splits are read when asked for."""

    card: DatasetCard
    splits: tuple[str, ...]
    read: Callable[[str], CaptionSplit]

    @property
    def name(self) -> str:
        return self.card.name

    def captions(self, split: str) -> CaptionSplit:
        """Errors: InvalidInput (unknown split; files missing or not as published, naming the file)."""
        _check_split(self.card, self.splits, split)
        return self.read(split)


def check_features(card: DatasetCard, split: str, data: FeatureSplit) -> FeatureSplit:
    """The split itself, when its arrays are sound: one row an item, finite, at least one class a row.

    Errors: InvalidInput, naming what differs.
    """
    where = f"{card.name}, split {split!r}"
    rows = len(data.ids)
    for name, array in (("image", data.image), ("text", data.text), ("labels", data.labels)):
        if array.ndim != 2 or len(array) != rows:
            raise InvalidInput(
                f"{where}: {name} has shape {array.shape}, but there are {rows} items; see {card.url}"
            )
    for name, values in (("image", data.image), ("text", data.text)):
        if not np.isfinite(values).all():
            raise InvalidInput(f"{where}: {name} features hold NaN or infinity; see {card.url}")
    bare = np.flatnonzero(~data.labels.any(axis=1))
    if len(bare):
        raise InvalidInput(f"{where}: {len(bare)} items have no class, the first is {data.ids[bare[0]]!r}")
    return data


def _check_split(card: DatasetCard, splits: tuple[str, ...], split: str) -> None:
    if split not in splits:
        raise InvalidInput(f"{card.name} has no split {split!r}; it has: {', '.join(splits)}", field="split")
