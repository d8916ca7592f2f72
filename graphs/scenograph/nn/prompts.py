"""What the untrained heads are made of: sentences whose text vectors a pack build computes.

A head is built from an `Encode` function (the text encoder), so that every number in it comes from the text encoder's weights
and from the words in this package; nothing is measured on pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Encode = Callable[[Sequence[str]], Tensor]
"""Sentences -> (n, 384) float32 mean-pooled, L2-normalised sentence vectors."""

SUBJECTS = (
    "a man", "a woman", "a boy", "a girl", "a child", "a group of people", "two men", "a dog", "two dogs", "a cat", "a horse", "a bird",
)  # fmt: skip
ACTIONS = (
    "standing", "sitting", "walking", "running", "playing", "jumping", "looking at the camera", "holding something", "eating",
    "riding a bike", "lying down", "smiling",
)  # fmt: skip
PLACES = (
    "on the grass", "on the street", "in the water", "on the beach", "in the snow", "in a room", "on a field", "in the mountains",
)  # fmt: skip


def generic_sentences() -> list[str]:
    """Plain captions made by a template: what a caption is like before it says anything particular."""
    return [f"{subject} {action} {place}" for subject in SUBJECTS for action in ACTIONS for place in PLACES]


def encode_mean(encode: Encode, sentences: Sequence[str]) -> Tensor:
    """Mean text vector of sentences.  Shape: (384,)."""
    return torch.as_tensor(encode(sentences), dtype=torch.float32).mean(dim=0)
