"""What the hashing benchmarks share: the usual MATLAB triples, and the split into queries and database."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenograph.data.card import DatasetCard
from scenograph.data.contracts import FloatArray, LabelArray
from scenograph.data.files import find, has, read_mat, wrong

SMALL = "train-5000"
SEED = 0


def read_triple(
    card: DatasetCard, folder: Path, image: tuple[str, ...], text: str, labels: str
) -> tuple[FloatArray, FloatArray, LabelArray, bool]:
    """XAll, YAll, LAll of three files -> image, text, labels, and whether the rows are shuffled already.

    Copies that were shuffled have "-rand" in their names. Errors: InvalidInput (missing or wrong files).
    """
    shuffled = has(folder, text.replace(".mat", "-rand.mat"))
    ending = "-rand.mat" if shuffled else ".mat"
    files = [
        find(card, folder, *(name.replace(".mat", ending) for name in names))
        for names in (image, (text,), (labels,))
    ]
    x, y, classes = (
        read_mat(card, file, [name])[name] for file, name in zip(files, ("XAll", "YAll", "LAll"), strict=True)
    )
    if not len(x) == len(y) == len(classes):
        raise wrong(
            card, files[0], f"has {len(x)} rows, {files[1].name} {len(y)}, {files[2].name} {len(classes)}"
        )
    return x.astype(np.float32), y.astype(np.float32), classes > 0, shuffled


def rows_of(split: str, count: int, queries: int, *, shuffled: bool = False) -> NDArray[np.intp]:
    """The rows of a split: "test" the queries, "train" all others (the database), "train-5000" 5,000 of them.

    Rows are shuffled with a fixed seed unless they are already; the queries are the last ones.
    """
    order = np.arange(count) if shuffled else np.random.default_rng(SEED).permutation(count)
    if split == "test":
        return order[-queries:]
    database = order[:-queries]
    return database[:5000] if split == SMALL else database
