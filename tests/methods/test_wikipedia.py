"""Shallow methods on the real Wikipedia features: each must land where its paper, or a check of it, did.

The bands are of MAP@ALL with ties in expectation; recipes' parameters were chosen on training pairs alone.
"""

from __future__ import annotations

import numpy as np
import pytest
from tests.support import data_folder

from scenograph.data.contracts import FeatureDataset
from scenograph.data.datasets import load_features
from scenograph.methods.evaluation import Protocol, evaluate_hashing, evaluate_real_valued
from scenograph.train.run import train_method

pytestmark = pytest.mark.data

Band = tuple[float, float]


@pytest.fixture(scope="module")
def wikipedia() -> FeatureDataset:
    return load_features("wikipedia", data_folder("wikipedia").parent)


def within(value: float, band: Band) -> bool:
    return band[0] <= value <= band[1]


@pytest.mark.parametrize(
    ("method", "image_to_text", "text_to_image"),
    [
        ("cca", (0.24, 0.27), (0.18, 0.21)),
        ("kcca", (0.24, 0.28), (0.19, 0.22)),
        ("pls", (0.23, 0.26), (0.17, 0.21)),
        ("cfa", (0.23, 0.26), (0.17, 0.21)),
        ("blm", (0.22, 0.27), (0.16, 0.21)),
        ("ml-cca", (0.24, 0.29), (0.18, 0.23)),
        ("sm", (0.26, 0.31), (0.19, 0.24)),
        ("scm", (0.26, 0.31), (0.20, 0.24)),
        ("mmsae", (0.25, 0.30), (0.19, 0.23)),
    ],
)
def test_real_valued_methods(
    wikipedia: FeatureDataset, method: str, image_to_text: Band, text_to_image: Band
) -> None:
    trained = train_method(method, wikipedia.features("train"))
    found = [result.score.map_all for result in evaluate_real_valued(trained, wikipedia)]
    assert within(found[0], image_to_text), found
    assert within(found[1], text_to_image), found


@pytest.mark.parametrize(
    ("method", "bits", "protocol", "image_to_text", "text_to_image"),
    [
        ("cmfh", 16, "paper", (0.20, 0.26), (0.47, 0.51)),
        ("cmfh", 32, "paper", (0.20, 0.26), (0.49, 0.53)),
        ("cmfh", 64, "paper", (0.20, 0.26), (0.51, 0.55)),
        ("cmfh", 32, "inductive", (0.22, 0.27), (0.18, 0.22)),
        ("scm-seq", 16, "paper", (0.225, 0.245), (0.22, 0.235)),
        ("scm-seq", 32, "paper", (0.23, 0.25), (0.235, 0.255)),
        ("scm-seq", 64, "paper", (0.235, 0.255), (0.24, 0.26)),
        ("cvh", 32, "inductive", (0.19, 0.24), (0.16, 0.20)),
        ("lcmfh", 32, "paper", (0.30, 0.37), (0.68, 0.78)),
        ("scratch", 32, "paper", (0.32, 0.38), (0.73, 0.82)),
        ("batch", 32, "paper", (0.33, 0.40), (0.71, 0.80)),
    ],
)
def test_hashing_methods(
    wikipedia: FeatureDataset,
    method: str,
    bits: int,
    protocol: Protocol,
    image_to_text: Band,
    text_to_image: Band,
) -> None:
    trained = train_method(method, wikipedia.features("train"), bits=bits)
    found = [
        result.score.ranking.map_all
        for result in evaluate_hashing(trained, wikipedia, bits, protocols=(protocol,))
    ]
    assert within(found[0], image_to_text), found
    assert within(found[1], text_to_image), found


def test_shuffled_pairs_teach_nothing(wikipedia: FeatureDataset) -> None:
    """What the bands measure is the pairs' correspondence: without it CCA is near chance."""
    train = wikipedia.features("train")
    order = np.random.default_rng(0).permutation(len(train.ids))
    broken = type(train)(train.ids, train.image, train.text[order], train.labels)
    for result in evaluate_real_valued(train_method("cca", broken), wikipedia):
        assert result.score.map_all < result.score.chance + 0.03
