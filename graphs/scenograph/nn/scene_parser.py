"""SceneParser: word roles and the arcs between words, from the text encoder's token states.

Biaffine arcs after Dozat and Manning 2017 ("Deep biaffine attention for neural dependency parsing"); roles
as BIO tags. What the scores mean as a scene graph is in `scenograph.scene.parsing.neural_decode`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenograph.nn.text_encoder import LAYERS, LOWER, WIDTH, EncoderLayer, attention_bias

TAGS = 3
"""Outside, begin, inside."""
REACH = 12
"""Distances between words, in words, beyond which all are alike."""


class SceneParser(nn.Module):
    """Scores of a sentence's scene graph.

    It goes on from the encoder's lower layers with tuned copies of the upper ones.

    Shapes: lower (B, T, 384): the encoder's states after layer `LOWER`; attention_mask int64 (B, T);
    words (B, W, T): row w has 1 / (its pieces) at the pieces of word w, zeros where there is no such word ->
    objects, attributes (B, W, 3): logits of outside, begin, inside of an object's or an attribute's name;
    owners (B, W, W): logit of "the attribute ending in word i belongs to the object ending in word j";
    relations (B, W, W, R): logits of the relation's form from object i to object j (0: none);
    verbs (B, W, W, W): logits of the word k that is the verb of the relation from i to j.
    """

    def __init__(
        self, forms: int, *, relation_width: int = 256, owner_width: int = 96, verb_width: int = 96,
        dropout: float = 0.1,
    ) -> None:  # fmt: skip
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer() for _ in range(LAYERS - LOWER))
        self.dropout = nn.Dropout(dropout)
        self.objects = nn.Linear(WIDTH, TAGS)
        self.attributes = nn.Linear(WIDTH, TAGS)
        self.owner_pairs = WordPairs(owner_width)
        self.owner = nn.Linear(owner_width, 1)
        self.relation_pairs = WordPairs(relation_width)
        self.relation = nn.Linear(relation_width, forms)
        self.verb_query = nn.Linear(relation_width, verb_width)
        self.verb_key = nn.Linear(WIDTH, verb_width)

    def start_from(self, layers: Sequence[nn.Module]) -> None:
        """Take the upper of the encoder's layers as they are."""
        for layer, source in zip(self.layers, layers[LOWER:], strict=True):
            layer.load_state_dict(source.state_dict())

    def forward(
        self, lower: Tensor, attention_mask: Tensor, words: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        states, bias = lower, attention_bias(attention_mask, lower.dtype)
        for layer in self.layers:
            states = layer(states, bias)
        seen = self.dropout(words @ states)
        related = self.dropout(self.relation_pairs(seen))
        verbs = self.verb_query(related) @ self.verb_key(seen).transpose(1, 2)[:, None]
        return (
            self.objects(seen),
            self.attributes(seen),
            self.owner(self.owner_pairs(seen)).squeeze(-1),
            self.relation(related),
            verbs * self.verb_key.out_features**-0.5,
        )


class WordPairs(nn.Module):
    """A vector for each ordered pair of words, of their states and how far they are apart.

    Shapes: (B, W, 384) -> (B, W, W, width).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(WIDTH, 2 * width)
        self.second = nn.Linear(WIDTH, 2 * width)
        self.distance = nn.Embedding(2 * REACH + 1, width)

    def forward(self, words: Tensor) -> Tensor:
        add_first, multiply_first = self.first(words)[:, :, None].chunk(2, dim=-1)
        add_second, multiply_second = self.second(words)[:, None].chunk(2, dim=-1)
        place = torch.arange(words.shape[1], device=words.device)
        apart = (place[None, :] - place[:, None]).clamp(-REACH, REACH) + REACH
        pairs = add_first + add_second + multiply_first * multiply_second + self.distance(apart)
        return functional.gelu(pairs)
