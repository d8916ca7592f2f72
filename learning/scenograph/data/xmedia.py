"""XMedia: 5,000 pairs of a picture and a text in 20 classes, as PKU's features."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from scenograph.data.card import DatasetCard
from scenograph.data.contracts import FeatureSplit
from scenograph.data.files import find, one_hot, read_mat, wrong
from scenograph.data.tables import Features

CLASSES = 20
CARD = DatasetCard(
    name="xmedia",
    title="XMedia (PKU)",
    kind="features",
    modality="image: 4,096-d CNN; text: 3,000-d bag of words; 20 classes, one an item",
    splits=("train", "test"),
    protocol="4,000 training pairs; 1,000 test pairs, each modality the queries for the other's",
    files=("XMediaFeatures.mat (I_tr_CNN, T_tr_BOW, trImgCat, trTxtCat, and the same with te)",),
    url="https://www.wict.pku.edu.cn/mipl/xmedia/",
    terms="Research use, on request from PKU's Multimedia Information Processing Lab.",
    citation="X. Zhai, Y. Peng, J. Xiao, Learning Cross-Media Joint Representation With Sparse and "
    "Semisupervised Regularization, TCSVT 24, 2014.",
)


def load(folder: Path) -> Features:
    """The dataset in a folder. Errors when a split is read: InvalidInput (missing or wrong files)."""
    return Features(CARD, CARD.splits, partial(_read, folder))


def _read(folder: Path, split: str) -> FeatureSplit:
    part = split[:2]
    file = find(CARD, folder, "XMediaFeatures.mat")
    names = [f"I_{part}_CNN", f"T_{part}_BOW", f"{part}ImgCat", f"{part}TxtCat"]
    image, text, seen, said = read_mat(CARD, file, names).values()
    classes, others = (np.asarray(values).reshape(-1).astype(np.intp) for values in (seen, said))
    if not np.array_equal(classes, others):
        raise wrong(CARD, file, f"{names[2]} and {names[3]} differ: pictures and texts are not in pairs")
    if classes.min() < 1 or classes.max() > CLASSES:
        raise wrong(CARD, file, f"{names[2]} has classes outside 1 ... {CLASSES}")
    return FeatureSplit(
        ids=tuple(f"{split}-{row}" for row in range(len(classes))),
        image=image.astype(np.float32),
        text=text.astype(np.float32),
        labels=one_hot(classes - 1, CLASSES),
    )
