"""Contrast of photos with several captions each: equal to a loop."""

from __future__ import annotations

import math

import torch
from torch.nn.functional import normalize

from scenograph.losses.caption_contrast import caption_contrast


def test_equals_a_loop() -> None:
    random = torch.Generator().manual_seed(0)
    photos, each, scale = 4, 3, 7.0
    image = normalize(torch.randn(photos, 5, generator=random), dim=1)
    text = normalize(torch.randn(photos * each, 5, generator=random), dim=1)
    score = (scale * image @ text.T).tolist()
    to_photo, to_caption = 0.0, 0.0
    for caption in range(photos * each):
        own = caption // each
        to_photo += math.log(sum(math.exp(score[p][caption]) for p in range(photos))) - score[own][caption]
        others = [c for c in range(photos * each) if c // each != own]
        every = [score[own][caption], *(score[own][c] for c in others)]
        to_caption += math.log(sum(map(math.exp, every))) - score[own][caption]
    expected = (to_photo + to_caption) / (photos * each)
    torch.testing.assert_close(caption_contrast(image, text, torch.tensor(scale)), torch.tensor(expected))


def test_right_pairs_cost_nothing() -> None:
    basis = torch.eye(3)
    loss = caption_contrast(basis, basis.repeat_interleave(2, dim=0), torch.tensor(100.0))
    assert float(loss) < 1e-6
