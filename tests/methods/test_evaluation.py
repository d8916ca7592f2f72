"""Both hashing protocols: which items are the database, and with which codes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from scenograph.data.contracts import FeatureSplit
from scenograph.methods.contracts import BitArray, FloatArray, Trained
from scenograph.methods.evaluation import evaluate_hashing, evaluate_real_valued
from scenograph.metrics.benchmark import score_codes, score_vectors
from scenograph.scene.errors import InvalidInput

RNG = np.random.default_rng(0)


class Rotations:
    """A fixed random map of each modality to 8 dimensions."""

    def __init__(self) -> None:
        self.maps = RNG.normal(size=(6, 8)), RNG.normal(size=(4, 8))

    def image(self, features: FloatArray) -> FloatArray:
        return (features @ self.maps[0]).astype(np.float32)

    def text(self, features: FloatArray) -> FloatArray:
        return (features @ self.maps[1]).astype(np.float32)


def split(first: int, rows: int) -> FeatureSplit:
    """Items `first`, `first + 1`, ...; the same item has the same features in every split."""

    def part(columns: int, seed: int) -> NDArray[np.float32]:
        return (
            np.random.default_rng(seed).normal(size=(200, columns)).astype(np.float32)[first : first + rows]
        )

    labels = np.random.default_rng(9).random((200, 3)) < 0.4
    names = tuple(f"item{number}" for number in range(first, first + rows))
    return FeatureSplit(names, part(6, 1), part(4, 2), labels[first : first + rows])


@dataclass
class Dataset:
    parts: dict[str, FeatureSplit]
    name: str = "made"
    splits: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.splits = tuple(self.parts)

    def features(self, split: str) -> FeatureSplit:
        return self.parts[split]


PAIRS = Dataset({"train": split(0, 50), "test": split(50, 20)})
LARGE = Dataset({"train": split(0, 50), "test": split(50, 20), "database": split(30, 100)})
PROJECTOR = Rotations()
HASHED = Trained(PROJECTOR)
LEARNED = Trained(PROJECTOR, RNG.random((50, 8)) < 0.5, RNG.random((50, 8)) < 0.5)


def mean(queries: BitArray, database: BitArray, asked: FeatureSplit, held: FeatureSplit) -> float:
    return score_codes(queries, database, asked.labels, held.labels).ranking.map_all


def test_paper_ranks_training_items_with_their_learned_codes() -> None:
    to_text, to_image = evaluate_hashing(LEARNED, PAIRS, 8, ["paper"])
    test, train = PAIRS.parts["test"], PAIRS.parts["train"]
    assert LEARNED.image_codes is not None and LEARNED.text_codes is not None
    image, text = PROJECTOR.image(test.image) > 0, PROJECTOR.text(test.text) > 0
    assert (to_text.direction, to_image.direction) == ("image to text", "text to image")
    assert to_text.score.ranking.map_all == mean(image, LEARNED.text_codes, test, train)
    assert to_image.score.ranking.map_all == mean(text, LEARNED.image_codes, test, train)
    assert to_text.learned == to_text.score.ranking.database == 50


def test_paper_hashes_training_items_where_no_codes_are_learned() -> None:
    to_text, _ = evaluate_hashing(HASHED, PAIRS, 8, ["paper"])
    test, train = PAIRS.parts["test"], PAIRS.parts["train"]
    wanted = mean(PROJECTOR.image(test.image) > 0, PROJECTOR.text(train.text) > 0, test, train)
    assert to_text.score.ranking.map_all == wanted
    assert to_text.learned == 0


def test_inductive_ranks_unseen_items_by_their_hashes() -> None:
    results = evaluate_hashing(LEARNED, PAIRS, 8, ["inductive"])
    test = PAIRS.parts["test"]
    wanted = mean(PROJECTOR.image(test.image) > 0, PROJECTOR.text(test.text) > 0, test, test)
    assert results[0].score.ranking.map_all == wanted
    assert [result.learned for result in results] == [0, 0]


def test_a_larger_database_holds_learned_codes_for_what_was_trained_on() -> None:
    to_text = evaluate_hashing(LEARNED, LARGE, 8, ["paper"])[0]
    assert (to_text.learned, to_text.score.ranking.database) == (20, 100)
    test, items = LARGE.parts["test"], LARGE.parts["database"]
    codes = PROJECTOR.text(items.text) > 0
    assert LEARNED.text_codes is not None
    codes[:20] = LEARNED.text_codes[30:]
    assert to_text.score.ranking.map_all == mean(PROJECTOR.image(test.image) > 0, codes, test, items)
    unseen = evaluate_hashing(LEARNED, LARGE, 8, ["inductive"])[0]
    assert unseen.score.ranking.database == 80


def test_real_valued_methods_rank_unseen_items_by_cosine() -> None:
    to_text, to_image = evaluate_real_valued(HASHED, PAIRS)
    test = PAIRS.parts["test"]
    image, text = PROJECTOR.image(test.image), PROJECTOR.text(test.text)
    assert to_text.score == score_vectors(image, text, test.labels, test.labels)
    assert to_image.score == score_vectors(text, image, test.labels, test.labels)


def test_codes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidInput, match="not 16"):
        evaluate_hashing(HASHED, PAIRS, 16)
    with pytest.raises(InvalidInput, match="learned codes"):
        evaluate_hashing(replace(LEARNED, text_codes=np.zeros((3, 8), bool)), PAIRS, 8)
    seen = Dataset({"train": split(0, 50), "test": split(50, 20), "database": split(0, 40)})
    with pytest.raises(InvalidInput, match="unseen"):
        evaluate_hashing(HASHED, seen, 8)
