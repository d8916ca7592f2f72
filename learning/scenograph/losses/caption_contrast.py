"""InfoNCE between photos and several captions of each."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


def caption_contrast(image: Tensor, text: Tensor, scale: Tensor) -> Tensor:
    """Each caption has to pick its photo among the photos, and each photo every one of its captions among
    those of other photos: its own captions are no negatives of each other.

    Shapes: image (B, d) and text (B * k, d) of unit length, captions of photo i at rows i*k ... i*k+k-1;
    scale, a scalar -> scalar.  Source: van den Oord et al. 2018 (InfoNCE), Radford et al. 2021 (both
    directions).
    """
    photos, each = len(image), len(text) // len(image)
    similarity = scale * (image @ text.T)
    owner = torch.arange(photos, device=image.device).repeat_interleave(each)
    to_photo = cross_entropy(similarity.T, owner)
    own = owner.unsqueeze(0) == torch.arange(photos, device=image.device).unsqueeze(1)
    others = similarity.masked_fill(own, -torch.inf).logsumexp(dim=1, keepdim=True)
    right = similarity[own].reshape(photos, each)
    to_caption: Tensor = (torch.logaddexp(right, others) - right).mean()
    return to_photo + to_caption
