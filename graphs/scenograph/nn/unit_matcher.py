"""UnitMatcher: how well images show what sentences say, unit by unit.

Late interaction (Khattab and Zaharia 2020): each textual unit counts with its best visual unit, by its
weight; sentences compare with scenes, objects and relations with regions and cells.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class UnitMatcher(nn.Module):
    """Scores of every sentence with every image.

    A part that the sentence denies counts as far below the cosine `turn`, which is what parts reach in images
    that they were not said of, as it would count above it.
    Shapes: text (T, P, d), weights (T, P), 0 for padding, negative for what is denied; text_scene (T, P), 1
    for sentences; visual (I, U, d), present (I, U), 0 for padding; visual_scene (I, U), 1 for scenes -> score
    (T, I) in [0, 1], the weighted sum between the lowest and the highest that is met; best (T, P, I), the
    cosine of each textual unit with its best visual unit; place (T, P, I) int64, which that is.
    """

    span: Tensor
    turn: Tensor

    def __init__(self, lowest: float = 0.0, highest: float = 1.0, turn: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("span", torch.tensor([lowest, highest]))
        self.register_buffer("turn", torch.tensor(turn))

    def forward(
        self, text: Tensor, weights: Tensor, text_scene: Tensor, visual: Tensor, present: Tensor,
        visual_scene: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        (texts, parts, size), (images, units, _) = text.shape, visual.shape
        cosine = text.reshape(-1, size) @ visual.reshape(-1, size).T
        cosine = cosine.reshape(texts, parts, images, units)
        apart = (text_scene[:, :, None, None] - visual_scene).abs()
        best, place = (cosine - 4 * (apart + 1 - present)).max(dim=-1)
        denied = weights.clamp_max(0)[..., None]
        total = (best * weights[..., None] - 2 * self.turn * denied).sum(dim=1)
        score = (total - self.span[0]) / (self.span[1] - self.span[0])
        return score.clamp(0, 1), best, place


def local_scores(text: Tensor, weights: Tensor, visual: Tensor, present: Tensor) -> Tensor:
    """The scores of objects and relations alone, of every sentence with every image; padding costs nothing.

    Shapes: text (T, P, d), weights (T, P), visual (I, U, d), present (I, U) -> (T, I).
    """
    rows, parts = weights.nonzero(as_tuple=True)
    images, units, size = visual.shape
    away = torch.where(present > 0, 0.0, -4.0)[..., None].to(visual.dtype)
    seen = torch.cat([visual, away], dim=-1).reshape(images * units, size + 1)
    said = text[rows, parts]
    said = torch.cat([said, torch.ones_like(said[:, :1])], dim=1)
    best = (said @ seen.T).reshape(-1, images, units).amax(dim=-1).float() * weights[rows, parts][:, None]
    return torch.zeros(len(text), images, device=text.device).index_add(0, rows, best)
