"""Datasets by name. A new one is a module with a `CARD` and a `load(folder)`, and a line here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scenograph.data import (
    flickr8k,
    flickr30k,
    mirflickr25k,
    mscoco,
    nuswide_tc10,
    pascal_voc,
    wikipedia,
    xmedia,
)
from scenograph.data.card import DatasetCard
from scenograph.data.tables import Captions, Features
from scenograph.scene.errors import InvalidInput

_DATASETS: dict[str, tuple[DatasetCard, Callable[[Path], Captions | Features]]] = {
    card.name: (card, load)
    for card, load in (
        (flickr8k.CARD, flickr8k.load),
        (flickr30k.CARD, flickr30k.load),
        (mscoco.CARD, mscoco.load),
        (wikipedia.CARD, wikipedia.load),
        (mirflickr25k.CARD, mirflickr25k.load),
        (nuswide_tc10.CARD, nuswide_tc10.load),
        (pascal_voc.CARD, pascal_voc.load),
        (xmedia.CARD, xmedia.load),
    )
}


def dataset_names() -> tuple[str, ...]:
    """The names that `load_dataset` knows."""
    return tuple(sorted(_DATASETS))


def dataset_card(name: str) -> DatasetCard:
    """The facts of a dataset. Errors: InvalidInput (unknown name, listing the known ones)."""
    return _entry(name)[0]


def load_dataset(name: str, root: Path) -> Captions | Features:
    """The dataset `name` in `root/name`, or in `root` itself where that has no such folder.

    Errors: InvalidInput (unknown name; no such folder; files missing or not as published, naming the file).
    Most files are read only when a split is asked for.
    """
    card, load = _entry(name)
    folder = root / name if (root / name).is_dir() else root
    if not folder.is_dir():
        raise InvalidInput(
            f"{root} is no folder: put {card.title} into {root / name}; get it from {card.url}"
        )
    return load(folder)


def load_features(name: str, root: Path) -> Features:
    """A dataset of features. Errors: as `load_dataset`; InvalidInput where it has captions."""
    dataset = load_dataset(name, root)
    if not isinstance(dataset, Features):
        raise InvalidInput(f"{name} is a dataset of captioned photographs, not of features", field="dataset")
    return dataset


def load_captions(name: str, root: Path) -> Captions:
    """A dataset of captioned photographs. Errors: as `load_dataset`; InvalidInput where it has features."""
    dataset = load_dataset(name, root)
    if not isinstance(dataset, Captions):
        raise InvalidInput(f"{name} is a dataset of features, not of captioned photographs", field="dataset")
    return dataset


def _entry(name: str) -> tuple[DatasetCard, Callable[[Path], Captions | Features]]:
    if name not in _DATASETS:
        raise InvalidInput(f"no dataset {name!r}; there are: {', '.join(dataset_names())}", field="dataset")
    return _DATASETS[name]
