"""InfoNCE on a grid of scores of captions with photos, false captions among the negatives."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


def grid_contrast(scores: Tensor, caption: Tensor, false: Tensor) -> Tensor:
    """Each caption has to pick its photo among the photos, and each photo every one of its captions among
    those of other photos and a false one made of that caption, where there is one.

    Shapes: scores (B * k, B), captions of photo i at rows i*k ... i*k+k-1; caption (F,) int64, the rows that
    have a false one; false (F,), its scores with that caption's photo -> scalar.
    Source: van den Oord et al. 2018 (InfoNCE); Yuksekgonul et al. 2023 (false captions as negatives).
    """
    rows, photos = scores.shape
    each = rows // photos
    owner = torch.arange(photos, device=scores.device).repeat_interleave(each)
    to_photo = cross_entropy(scores, owner)
    own = owner[:, None] == torch.arange(photos, device=scores.device)
    others = scores.masked_fill(own, -torch.inf).logsumexp(dim=0)[owner]
    made = torch.full_like(others, -torch.inf).index_copy(0, caption, false)
    right = scores[own]
    to_caption = torch.logsumexp(torch.stack([right, others, made]), dim=0) - right
    return to_photo + to_caption.mean()
