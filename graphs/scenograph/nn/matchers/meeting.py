"""How nodes of two graphs meet: the best cosine, or attention."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

FAR = -4.0
"""Below any cosine."""


def best_cosines(visual: Tensor, present: Tensor, text: Tensor, told: Tensor, *, mean: bool) -> Tensor:
    """Each textual node's highest cosine with any visual node, summed over a sentence's nodes, or their mean.

    Sentences without nodes score 0.
    Shapes: visual (I, U, d), present (I, U), text (T, N, d), told (T, N) -> (I, T).
    """
    rows, nodes = told.nonzero(as_tuple=True)
    images, units, size = visual.shape
    away = torch.where(present, 0.0, FAR)[..., None].to(visual.dtype)
    seen = torch.cat([normalize(visual, dim=-1), away], dim=-1).reshape(images * units, size + 1)
    said = normalize(text[rows, nodes], dim=-1)
    said = torch.cat([said, torch.ones_like(said[:, :1])], dim=1)
    best = (said @ seen.T).reshape(-1, images, units).amax(dim=-1).float()
    total = torch.zeros(len(text), images, device=text.device).index_add(0, rows, best)
    if mean:
        total = total / told.sum(dim=1).clamp_min(1)[:, None]
    return total.T


def masked_softmax(scores: Tensor, present: Tensor, dim: int) -> Tensor:
    """Softmax over what is present; zeros where nothing is.  Shapes: present broadcasts to scores."""
    found = scores.masked_fill(~present, -1e4).softmax(dim=dim)
    return found * present


def masked_mean(values: Tensor, present: Tensor) -> Tensor:
    """The mean over the last axis of what is present, 0 where nothing is.  Shapes: (..., N) -> (...)."""
    return (values * present).sum(dim=-1) / present.sum(dim=-1).clamp_min(1)


def cross_attention(cosines: Tensor, present: Tensor, sharpness: float) -> Tensor:
    """Weights of the last axis, softmax of `sharpness` times the cosines.

    Shapes: cosines (I, T, Q, K), present broadcast to it -> (I, T, Q, K).
    """
    return masked_softmax(sharpness * cosines, present, dim=-1)


def attended_cosines(visual: Tensor, present: Tensor, text: Tensor, sharpness: float) -> Tensor:
    """The cosine of each textual node with the visual nodes that it attends to, without making their sum.

    Shapes: visual (I, U, d), present (I, U), text (T, N, d) -> (I, T, N).
    Source: Lee et al. 2018 (SCAN), from text to image, with plain cosines under the softmax.
    """
    visual, text = normalize(visual, dim=-1), normalize(text, dim=-1)
    cosines = torch.einsum("iud,tnd->itnu", visual, text)
    weights = cross_attention(cosines, present[:, None, None], sharpness)
    among = visual @ visual.transpose(1, 2)
    length = (torch.einsum("itnu,iuv->itnv", weights, among) * weights).sum(dim=-1).clamp_min(1e-6).sqrt()
    return (weights * cosines).sum(dim=-1) / length
