"""Pascal VOC 2007 with tags: GIST features and word counts of the photos that show one class of object."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from scenograph.data.card import DatasetCard
from scenograph.data.contracts import FeatureSplit
from scenograph.data.files import find, read_mat, wrong
from scenograph.data.tables import Features

CLASSES, WORDS = 20, 399
CARD = DatasetCard(
    name="pascal_voc",
    title="Pascal VOC 2007 with tags",
    kind="features",
    modality="image: 512-d GIST; text: 399-d tag counts; 20 classes, one an item",
    splits=("train", "test"),
    protocol="photographs of one class of object: 2,808 training pairs, also the database; 2,841 queries",
    files=("train.mat, test.mat (structs D1, D2 with filename, objectcount, taglist, gist)",),
    url="https://vision.cs.utexas.edu/projects/importance/",
    terms="Research use. Photographs: their owners', under Flickr's terms of use (Pascal VOC 2007).",
    citation="S. J. Hwang, K. Grauman, Accounting for the Relative Importance of Objects in Image Retrieval, "
    "BMVC 2010; split: A. Sharma et al., Generalized Multiview Analysis, CVPR 2012.",
)


def load(folder: Path) -> Features:
    """The dataset in a folder. Errors when a split is read: InvalidInput (missing or wrong files)."""
    return Features(CARD, CARD.splits, partial(_read, folder))


def _read(folder: Path, split: str) -> FeatureSplit:
    file = find(CARD, folder, f"{split}.mat")
    values = read_mat(CARD, file, ["D1", "D2"])
    items = [item for name in ("D1", "D2") for item in values[name].reshape(-1)]
    try:
        counts = np.array([np.asarray(item["objectcount"], np.float64).reshape(-1) for item in items])
        single = np.flatnonzero((counts != 0).sum(axis=1) == 1)
        image = np.array([np.asarray(items[row]["gist"], np.float32).reshape(-1) for row in single])
        text = np.array([_words(items[row]["taglist"]) for row in single])
        ids = tuple(_name(items[row]["filename"]) for row in single)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise wrong(CARD, file, f"D1 and D2 are not the published structs: {error}") from error
    if counts.shape[1] != CLASSES:
        raise wrong(CARD, file, f"objectcount has {counts.shape[1]} classes, {CLASSES} were expected")
    return FeatureSplit(ids, image, text, counts[single] != 0)


def _words(tags: Any) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """How often each word is in a tag list of word numbers 1 ... 399."""
    numbers = np.asarray(tags, np.float64).reshape(-1).astype(np.intp)
    if len(numbers) and not (numbers.min() >= 1 and numbers.max() <= WORDS):
        raise ValueError(f"a tag is not in 1 ... {WORDS}")
    return np.bincount(numbers - 1, minlength=WORDS).astype(np.float32)


def _name(value: Any) -> str:
    return str(np.asarray(value).reshape(-1)[0])
