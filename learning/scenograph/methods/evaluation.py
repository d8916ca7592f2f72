"""Measures a trained method on a dataset of features, hashing methods by both protocols of the field.

*paper*: the database is what the method was trained on (and the dataset's other database items), training
items with the codes that the method learned for them, where it learns such codes. *inductive*: the database
is items the method has never seen, hashed by its hash functions. The two are never comparable: the learned
codes of training items may hold their labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from scenograph.data.contracts import FeatureDataset, FeatureSplit
from scenograph.methods.contracts import BitArray, Trained
from scenograph.metrics.benchmark import HashingScore, RankingScore, score_codes, score_vectors
from scenograph.scene.errors import InvalidInput

Protocol = Literal["paper", "inductive"]
Direction = Literal["image to text", "text to image"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
TRAIN, QUERIES, DATABASE = "train", "test", "database"
"""Splits; a dataset has `database` where its training items are a part of a larger database."""


@dataclass(frozen=True, slots=True)
class HashingResult:
    """One direction by one protocol; `learned` items of the database have learned codes, others hashes."""

    protocol: Protocol
    direction: Direction
    learned: int
    score: HashingScore


@dataclass(frozen=True, slots=True)
class RealValuedResult:
    """One direction: queries and database are unseen items, ranked by cosine."""

    direction: Direction
    score: RankingScore


def evaluate_hashing(
    trained: Trained, dataset: FeatureDataset, bits: int, protocols: Sequence[Protocol] = PROTOCOLS
) -> list[HashingResult]:
    """Both directions by each protocol; the queries are the hashed test items.

    Errors: InvalidInput (codes of another length; learned codes that are not of the training items).
    """
    queries = dataset.features(QUERIES)
    image, text = _hash(trained, queries)
    if (image.shape[1], text.shape[1]) != (bits, bits):
        raise InvalidInput(f"codes have {image.shape[1]} and {text.shape[1]} bits, not {bits}", field="bits")
    results = []
    for protocol in protocols:
        items = _known(dataset) if protocol == "paper" else _unseen(dataset)
        images, texts = _hash(trained, items)
        learned = _put_learned(trained, dataset, items, images, texts) if protocol == "paper" else 0
        results += [
            HashingResult(protocol, "image to text", learned, _score(image, texts, queries, items)),
            HashingResult(protocol, "text to image", learned, _score(text, images, queries, items)),
        ]
    return results


def evaluate_real_valued(trained: Trained, dataset: FeatureDataset) -> list[RealValuedResult]:
    """Both directions; the queries are the test items, the database unseen items of the other modality."""
    queries, items = dataset.features(QUERIES), _unseen(dataset)
    image, text = trained.projector.image, trained.projector.text
    labels = queries.labels, items.labels
    return [
        RealValuedResult("image to text", score_vectors(image(queries.image), text(items.text), *labels)),
        RealValuedResult("text to image", score_vectors(text(queries.text), image(items.image), *labels)),
    ]


def _hash(trained: Trained, items: FeatureSplit) -> tuple[BitArray, BitArray]:
    return trained.projector.image(items.image) > 0, trained.projector.text(items.text) > 0


def _score(codes: BitArray, database: BitArray, queries: FeatureSplit, items: FeatureSplit) -> HashingScore:
    return score_codes(codes, database, queries.labels, items.labels)


def _known(dataset: FeatureDataset) -> FeatureSplit:
    return dataset.features(DATABASE if DATABASE in dataset.splits else TRAIN)


def _unseen(dataset: FeatureDataset) -> FeatureSplit:
    """The database without what was trained on; the test items where there is no larger database."""
    if DATABASE not in dataset.splits:
        return dataset.features(QUERIES)
    items, seen = dataset.features(DATABASE), set(dataset.features(TRAIN).ids)
    rows = np.array([row for row, name in enumerate(items.ids) if name not in seen], dtype=np.int64)
    if not len(rows):
        raise InvalidInput(f"{dataset.name}: every item of the database was trained on; nothing is unseen")
    names = tuple(items.ids[row] for row in rows)
    return FeatureSplit(names, items.image[rows], items.text[rows], items.labels[rows])


def _put_learned(
    trained: Trained, dataset: FeatureDataset, items: FeatureSplit, images: BitArray, texts: BitArray
) -> int:
    """Give the database's training items their learned codes; how many got one."""
    if trained.image_codes is None or trained.text_codes is None:
        return 0
    train = dataset.features(TRAIN).ids
    if not len(train) == len(trained.image_codes) == len(trained.text_codes):
        raise InvalidInput(
            f"{len(trained.image_codes)} and {len(trained.text_codes)} learned codes of {len(train)} pairs"
        )
    place = {name: row for row, name in enumerate(train)}
    rows = [row for row, name in enumerate(items.ids) if name in place]
    known = [place[items.ids[row]] for row in rows]
    if rows:
        images[rows], texts[rows] = trained.image_codes[known], trained.text_codes[known]
    return len(rows)
