"""NUS-WIDE-TC10: photographs of NUS-WIDE in its ten most frequent concepts, with 1,000-d bags of tags."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenograph.data.card import DatasetCard
from scenograph.data.contracts import FeatureSplit, FloatArray, LabelArray
from scenograph.data.files import find, has, lines, wrong
from scenograph.data.hashing import SMALL, read_triple, rows_of
from scenograph.data.tables import Features

CONCEPTS, QUERIES = 10, 2_100
CARD = DatasetCard(
    name="nuswide_tc10",
    title="NUS-WIDE-TC10",
    kind="features",
    modality="image: 4,096-d VGG of a MATLAB file, or 500-d SIFT words, or 634-d colour and texture; "
    "text: 1,000-d bag of tags; the 10 most frequent of 81 concepts",
    splits=("train", "test", SMALL),
    protocol="186,577 photographs; 2,100 queries against the rest, which are the database and may train; "
    "some papers train on 5,000 of them. Queries: by a fixed seed, or the last of shuffled files",
    files=(
        "nus-wide-tc10-xall-vgg.mat (XAll), nus-wide-tc10-yall.mat (YAll), nus-wide-tc10-lall.mat (LAll)",
        'or the same with "-rand" before ".mat": rows shuffled already',
        "or, as published, Groundtruth/AllLabels/Labels_*.txt, NUS_WID_Tags/AllTags1k.txt, "
        "ImageList/Imagelist.txt, with BoW_int.dat or "
        "Low_Level_Features/Normalized_{CH,CM55,CORR,EDH,WT}.dat",
    ),
    url="https://lms.comp.nus.edu.sg/wp-content/uploads/2019/research/nuswide/NUS-WIDE.html",
    terms="Research use. Photographs: their owners', under Flickr's terms of use.",
    citation="T.-S. Chua et al., NUS-WIDE: A Real-World Web Image Database, CIVR 2009.",
)
_LOW_LEVEL = {"CH": 64, "CM55": 225, "CORR": 144, "EDH": 73, "WT": 128}
_TAGS = 1000


def load(folder: Path) -> Features:
    """The dataset in a folder. Errors when a split is read: InvalidInput (missing or wrong files)."""
    return Features(CARD, CARD.splits, partial(_read, folder))


def _read(folder: Path, split: str) -> FeatureSplit:
    if not has(folder, "Groundtruth"):
        image, text, labels, shuffled = read_triple(
            CARD, folder, ("nus-wide-tc10-xall-vgg.mat",), "nus-wide-tc10-yall.mat", "nus-wide-tc10-lall.mat"
        )
        rows = _rows(folder, split, len(image), shuffled=shuffled)
        return FeatureSplit(tuple(map(str, rows)), image[rows], text[rows], labels[rows])
    labels = _labels(find(CARD, folder, "Groundtruth/AllLabels"))
    kept = np.flatnonzero(labels.any(axis=1))
    rows = kept[_rows(folder, split, len(kept), shuffled=False)]
    ids = [line.strip() for line in lines(CARD, find(CARD, folder, "ImageList/Imagelist.txt"), len(labels))]
    tags = find(CARD, folder, "NUS_WID_Tags/AllTags1k.txt")
    return FeatureSplit(
        tuple(ids[row] for row in rows),
        _image(folder, rows, len(labels)),
        _chosen(tags, rows, len(labels), _TAGS),
        labels[rows],
    )


def _rows(folder: Path, split: str, count: int, *, shuffled: bool) -> NDArray[np.intp]:
    if count <= QUERIES:
        raise wrong(CARD, folder, f"has {count} items: too few for {QUERIES} queries")
    return rows_of(split, count, QUERIES, shuffled=shuffled)


def _labels(folder: Path) -> LabelArray:
    """The ten most frequent concepts of all photos, by name: (photos, 10)."""
    files = sorted(folder.glob("Labels_*.txt"))
    if len(files) < CONCEPTS:
        raise wrong(CARD, folder, f"has {len(files)} files Labels_*.txt, 81 were expected")
    columns: dict[Path, NDArray[np.bool_]] = {}
    for file in files:
        values = lines(CARD, file)
        if columns and len(values) != len(next(iter(columns.values()))):
            raise wrong(CARD, file, f"has {len(values)} lines, {files[0].name} another number")
        columns[file] = np.array([value.strip() == "1" for value in values])
    frequent = sorted(sorted(columns, key=lambda file: (-int(columns[file].sum()), file.name))[:CONCEPTS])
    return np.stack([columns[file] for file in frequent], axis=1)


def _image(folder: Path, rows: NDArray[np.intp], photos: int) -> FloatArray:
    """SIFT words where they are, else the five normalized low-level features side by side."""
    if has(folder, "BoW_int.dat", "Low_Level_Features/BoW_int.dat"):
        return _chosen(find(CARD, folder, "BoW_int.dat", "Low_Level_Features/BoW_int.dat"), rows, photos, 500)
    parts = [
        _chosen(find(CARD, folder, f"Low_Level_Features/Normalized_{name}.dat"), rows, photos, size)
        for name, size in _LOW_LEVEL.items()
    ]
    return np.concatenate(parts, axis=1)


def _chosen(file: Path, rows: NDArray[np.intp], photos: int, columns: int) -> FloatArray:
    """These rows of a table of text, reading the others past: (len(rows), columns)."""
    place = {int(row): index for index, row in enumerate(rows)}
    found = np.zeros((len(rows), columns), np.float32)
    count = 0
    with file.open(encoding="utf-8") as text:
        for number, line in enumerate(filter(str.strip, text)):
            count += 1
            if number not in place:
                continue
            values = line.split()
            if len(values) != columns:
                raise wrong(
                    CARD, file, f"line {number + 1} has {len(values)} numbers, {columns} were expected"
                )
            try:
                found[place[number]] = [float(value) for value in values]
            except ValueError as error:
                raise wrong(CARD, file, f"line {number + 1}: {error}") from error
    if count != photos:
        raise wrong(CARD, file, f"has {count} lines, the lists have {photos} photos")
    return found
