"""TextHead: from a sentence's token states to the embedding that images are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from scenograph.nn.image_head import EVEN, HIDDEN, LEVELS, TRAINED_SIZES
from scenograph.nn.label_level import LABEL, TextLabels
from scenograph.nn.projection import Projection, Standardise, side_by_side
from scenograph.nn.text_encoder import WIDTH, EncoderLayer, attention_bias

OWN_LAYERS = 2
"""Encoder layers that the scene's level has for itself, over the states four layers up."""


class TextHead(nn.Module):
    """Token states -> embedding: the scene's, the objects', the relations' and the labels' unit vector,
    weighted.

    The scene's level ends the encoder with two layers of its own, which started as the encoder's last two.
    The other levels look at the encoder's last states, each with the attention it has learned: at names of
    things and what they are like, or at what happens between them; the labels' at the sentence as it is.
    Shapes: tokens (B, T, 384), the encoder's last states; middle (B, T, 384), those after its fourth layer;
    attention_mask int64 (B, T) -> (B, sum of `sizes`), unit length.
    """

    weights: Tensor

    def __init__(
        self,
        *,
        sizes: Sequence[int] = TRAINED_SIZES,
        hidden: Sequence[int] = HIDDEN,
        weights: Sequence[float] = EVEN,
        input_dropout: float = 0.1,
        dropout: float = 0.4,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer() for _ in range(OWN_LAYERS))
        self.attention = nn.ModuleDict({name: nn.Linear(WIDTH, 1) for name in tuple(LEVELS)[1:]})
        self.inputs = nn.ModuleDict({name: Standardise(WIDTH) for name in LEVELS})
        self.levels = nn.ModuleDict(
            {
                name: Projection(WIDTH, width, size, input_dropout=input_dropout, dropout=dropout)
                for name, size, width in zip(LEVELS, sizes, hidden, strict=True)
            }
        )
        self.label = TextLabels()
        self.register_buffer("weights", torch.tensor(weights), persistent=False)

    def forward(self, tokens: Tensor, middle: Tensor, attention_mask: Tensor) -> Tensor:
        pooled = self.pooled(tokens, middle, attention_mask)
        return side_by_side(list(self.by_level(pooled).values()), self.weights)

    def pooled(self, tokens: Tensor, middle: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """One vector of the sentence for each level.  Shapes: as `forward` -> (B, 384) each."""
        return {
            "scene": self.scene(middle, attention_mask),
            **{name: self.attended(name, tokens, attention_mask) for name in self.attention},
            LABEL: mean_state(tokens, attention_mask),
        }

    def scene(self, middle: Tensor, attention_mask: Tensor) -> Tensor:
        """The sentence by the head's own layers.  Shapes: (B, T, 384), (B, T) -> (B, 384), unit length."""
        states = middle
        bias = attention_bias(attention_mask, states.dtype)
        for layer in self.layers:
            states = layer(states, bias)
        return mean_state(states, attention_mask)

    def attended(self, level: str, tokens: Tensor, attention_mask: Tensor) -> Tensor:
        """The tokens that matter to a level, averaged.  Shapes: (B, T, 384), (B, T) -> (B, 384)."""
        share = self.attended_logits(level, tokens, attention_mask).softmax(dim=1)
        return (tokens * share.unsqueeze(-1)).sum(dim=1)

    def attended_logits(self, level: str, tokens: Tensor, attention_mask: Tensor) -> Tensor:
        """How much each token matters to a level, before the softmax.  Shapes: -> (B, T)."""
        logits: Tensor = self.attention[level](tokens).squeeze(-1).float()
        return logits.masked_fill(attention_mask == 0, torch.finfo(torch.float32).min)

    def standardise(self, name: str) -> Standardise:
        """The layer that an input goes through first."""
        layer = self.inputs[name]
        assert isinstance(layer, Standardise)
        return layer

    def by_level(self, pooled: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each level's unit vectors from its pooled states."""
        trained = {name: self.levels[name](self.inputs[name](pooled[name])) for name in LEVELS}
        return {**trained, LABEL: self.label(pooled[LABEL])}


def mean_state(states: Tensor, attention_mask: Tensor) -> Tensor:
    """The mean of the tokens that are there.  Shapes: (B, T, d), (B, T) -> (B, d), unit length."""
    shown = attention_mask.to(torch.float32).unsqueeze(-1)
    return normalize((states.float() * shown).sum(dim=1) / shown.sum(dim=1).clamp_min(1e-9), dim=-1)
