"""The region heads on their way into a pack: weights unfolded from compressed features, and exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scenograph.nn.attribute_head import AttributeHead
from scenograph.nn.relation_head import RelationHead
from scenograph.packs.build.modelling import export_checked
from scenograph.packs.build.region_heads import ATTRIBUTES, AXES, RELATIONS
from scenograph.packs.build.trained import FOLDER
from scenograph.packs.training.regions import serving_state
from scenograph.scene.visual_words import NEVER, HeadWords
from scenograph.scene.vocabulary import Vocabulary
from scenograph.train.compression import Compression

Array = NDArray[Any]
CHANNELS, COMPRESSED, WORDS = 12, 5, 3


def _head(name: str, channels: int) -> nn.Module:
    make = AttributeHead if name == ATTRIBUTES else RelationHead
    return make(WORDS, channels=channels, width=8).eval()


def _feeds(name: str, regions: int, pairs: int, channels: int = CHANNELS) -> dict[str, Array]:
    rng = np.random.default_rng(regions)
    low = rng.random((regions, 2)) * 0.5
    others = ("whole", regions) if name == ATTRIBUTES else ("union", pairs)
    shapes = {"backbone": regions, "detector": regions}
    shapes |= {f"{others[0]}_{model}": others[1] for model in ("backbone", "detector")}
    feeds: dict[str, Array] = {
        key: rng.standard_normal((rows, channels)).astype(np.float32) for key, rows in shapes.items()
    }
    feeds["scores"] = rng.random((regions, 80)).astype(np.float32)
    feeds["boxes"] = np.concatenate([low, low + 0.3], axis=1).astype(np.float32)
    if name == RELATIONS:
        feeds |= {key: rng.integers(0, regions, pairs) for key in ("subjects", "objects")}
    return feeds


@pytest.mark.parametrize("name", [ATTRIBUTES, RELATIONS])
def test_serving_takes_what_training_compressed(name: str) -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    compressions = {
        model: Compression.fit(rng.standard_normal((50, CHANNELS)).astype(np.float32), COMPRESSED)
        for model in ("backbone", "detector")
    }
    trained, serving = _head(name, COMPRESSED), _head(name, CHANNELS)
    serving.load_state_dict(serving_state(trained, **compressions))
    whole = _feeds(name, 4, 3)
    small = {
        key: compressions[key.rpartition("_")[2]].apply(value) if value.shape[-1] == CHANNELS else value
        for key, value in whole.items()
    }
    assert torch.allclose(serving(**_tensors(whole)), trained(**_tensors(small)), atol=1e-5)


@pytest.mark.parametrize("name", [ATTRIBUTES, RELATIONS])
def test_any_number_of_regions_and_pairs(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    exported = export_checked(
        name, _head(name, CHANNELS), tmp_path, outputs=("probabilities",), dynamic=AXES[name],
        feeds=[_feeds(name, 4, 6), _feeds(name, 2, 2), _feeds(name, 12, 24)], on="any", limit=1e-5,
    )  # fmt: skip
    assert exported.parity[0].max_abs_error <= 1e-5


@pytest.mark.parametrize("name", [ATTRIBUTES, RELATIONS])
def test_committed_words_are_the_vocabularys(name: str) -> None:
    words, vocabulary = HeadWords.load(FOLDER / f"{name}.json"), Vocabulary.load()
    assert all(0 < least < 1 or least == NEVER for least in words.least)
    for place in words.places("attributes"):
        assert vocabulary.is_attribute(words.words[place])
    for group in ("names", "worn"):
        assert all(vocabulary.listed(words.words[place]) for place in words.places(group))
    for place in words.places("predicates"):
        assert vocabulary.canonical_predicate(words.words[place]) == words.words[place]


def _tensors(arrays: dict[str, Array]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(values) for name, values in arrays.items()}
