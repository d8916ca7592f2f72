"""MIRFlickr-25k: photographs with tags in 24 classes, 20,015 of them with a common tag and a class."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenograph.data.card import DatasetCard
from scenograph.data.contracts import FeatureSplit, FloatArray, LabelArray
from scenograph.data.files import find, has, lines, read_mat, rows_by, wrong
from scenograph.data.hashing import SMALL, read_triple, rows_of
from scenograph.data.tables import Features

PHOTOS, QUERIES = 25_000, 2_000
CARD = DatasetCard(
    name="mirflickr25k",
    title="MIRFlickr-25k",
    kind="features",
    modality="image: features of a MATLAB file, mostly 4,096-d VGG; text: 1,386-d tags; 24 classes",
    splits=("train", "test", SMALL),
    protocol="2,000 queries against 18,015 others, which are the database and may train; some papers train "
    "on 5,000 of them. Queries: by a fixed seed, or the last of shuffled files",
    files=(
        "mirflickr25k-iall-vgg.mat (XAll), mirflickr25k-yall.mat (YAll), mirflickr25k-lall.mat (LAll)",
        'or the same with "-rand" before ".mat": rows shuffled already',
        "or, as published, mirflickr/doc/common_tags.txt, mirflickr/meta/tags/, "
        "mirflickr25k_annotations_v080/, with XAll of 25,000 or 20,015 rows in mirflickr25k-iall-vgg.mat",
    ),
    url="https://press.liacs.nl/mirflickr/mirdownload.html",
    terms="Photographs under Creative Commons licences that their owners chose; research use.",
    citation="M. Huiskes, M. Lew, The MIR Flickr Retrieval Evaluation, ACM MIR 2008.",
)
_IMAGE = ("mirflickr25k-iall-vgg.mat",)


def load(folder: Path) -> Features:
    """The dataset in a folder. Errors when a split is read: InvalidInput (missing or wrong files)."""
    return Features(CARD, CARD.splits, partial(_read, folder))


def _read(folder: Path, split: str) -> FeatureSplit:
    if has(folder, "mirflickr25k_annotations_v080"):
        image, text, labels, ids = _official(folder)
        shuffled = False
    else:
        image, text, labels, shuffled = read_triple(
            CARD, folder, _IMAGE, "mirflickr25k-yall.mat", "mirflickr25k-lall.mat"
        )
        ids = [str(row) for row in range(len(image))]
    if len(image) <= QUERIES:
        raise wrong(CARD, folder, f"has {len(image)} items: too few for {QUERIES} queries")
    rows = rows_of(split, len(image), QUERIES, shuffled=shuffled)
    return FeatureSplit(tuple(ids[row] for row in rows), image[rows], text[rows], labels[rows])


def _official(folder: Path) -> tuple[FloatArray, FloatArray, LabelArray, list[str]]:
    """Tags and classes as published, for the photos that have both a common tag and a class."""
    tags = _tags(folder)
    labels = _labels(folder / "mirflickr25k_annotations_v080")
    kept = np.flatnonzero(tags.any(axis=1) & labels.any(axis=1))
    file = find(CARD, folder, *_IMAGE, what="image features XAll")
    image = read_mat(CARD, file, ["XAll"])["XAll"].astype(np.float32)
    if len(image) not in (PHOTOS, len(kept)):
        raise wrong(CARD, file, f"XAll has {len(image)} rows, {PHOTOS} or {len(kept)} were expected")
    rows = kept if len(image) == PHOTOS else np.arange(len(kept))
    return image[rows], tags[kept].astype(np.float32), labels[kept], [f"im{row + 1}" for row in kept]


def _tags(folder: Path) -> NDArray[np.bool_]:
    """(25000, 1386): the tags that at least 20 photos have, in the order of common_tags.txt."""
    common = lines(CARD, find(CARD, folder, "mirflickr/doc/common_tags.txt"))
    column = rows_by(line.split()[0] for line in common)
    place = find(CARD, folder, "mirflickr/meta/tags", what="a file of tags for each photo")
    found = np.zeros((PHOTOS, len(column)), np.bool_)
    for row in range(PHOTOS):
        file = place / f"tags{row + 1}.txt"
        if not file.exists():
            raise wrong(CARD, file, "is missing")
        for tag in lines(CARD, file, encoding="latin-1"):
            if tag.strip() in column:
                found[row, column[tag.strip()]] = True
    return found


def _labels(folder: Path) -> LabelArray:
    """(25000, 24): the potential labels, a file of photo numbers a class; "_r1" files are left out."""
    files = sorted(
        file for file in folder.glob("*.txt") if not file.stem.endswith("_r1") and file.stem != "README"
    )
    if len(files) != 24:
        raise wrong(CARD, folder, f"has files of {len(files)} classes, 24 were expected")
    found = np.zeros((PHOTOS, len(files)), np.bool_)
    for column, file in enumerate(files):
        numbers = [line.strip() for line in lines(CARD, file)]
        if not all(number.isdecimal() and 1 <= int(number) <= PHOTOS for number in numbers):
            raise wrong(CARD, file, f"is not a list of photo numbers 1 to {PHOTOS}")
        found[[int(number) - 1 for number in numbers], column] = True
    return found
