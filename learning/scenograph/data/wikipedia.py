"""Wikipedia articles: 2,866 pairs of a picture and a section in ten classes, as SVCL's features."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from scenograph.data.card import DatasetCard
from scenograph.data.contracts import FeatureSplit
from scenograph.data.files import find, lines, one_hot, read_mat, wrong
from scenograph.data.tables import Features

CARD = DatasetCard(
    name="wikipedia",
    title="Wikipedia (SVCL)",
    kind="features",
    modality="image: 128-d SIFT bag of visual words; text: 10-d LDA; 10 classes, one an item",
    splits=("train", "test"),
    protocol="2,173 training pairs, also the database; 693 test pairs, the queries",
    files=("raw_features.mat", "trainset_txt_img_cat.list", "testset_txt_img_cat.list"),
    url="http://www.svcl.ucsd.edu/projects/crossmodal/",
    terms="Research use. Texts: Wikipedia, CC BY-SA; pictures: Wikimedia Commons, under their own licences.",
    citation="N. Rasiwasia et al., A New Approach to Cross-Modal Multimedia Retrieval, ACM Multimedia 2010.",
)
_SUFFIX = {"train": "tr", "test": "te"}
_ROWS = {"train": 2173, "test": 693}


def load(folder: Path) -> Features:
    """The dataset in a folder of SVCL's files. Errors when a split is read: InvalidInput (a wrong file)."""
    return Features(CARD, CARD.splits, partial(_read, folder))


def _read(folder: Path, split: str) -> FeatureSplit:
    matrix = find(CARD, folder, "raw_features.mat")
    names = [f"{modality}_{_SUFFIX[split]}" for modality in "IT"]
    image, text = read_mat(CARD, matrix, names).values()
    listed = find(CARD, folder, f"{split}set_txt_img_cat.list", what="text, image, class 1..10")
    entries = [line.split("\t") for line in lines(CARD, listed, _ROWS[split])]
    if any(len(entry) != 3 or entry[2].strip() not in map(str, range(1, 11)) for entry in entries):
        raise wrong(CARD, listed, "lines are not: text id, tab, image id, tab, class 1..10")
    if image.shape != (len(entries), 128) or text.shape != (len(entries), 10):
        raise wrong(CARD, matrix, f"{names} have shapes {image.shape}, {text.shape}; see {listed.name}")
    return FeatureSplit(
        ids=tuple(entry[0] for entry in entries),
        image=image.astype(np.float32),
        text=text.astype(np.float32),
        labels=one_hot(np.array([int(entry[2]) - 1 for entry in entries]), 10),
    )
