"""VisualUnits: vectors of an image's regions, grid cells and scene, each seen in the context of the others.

Regions, cells and the whole image are tokens of one transformer layer (Vaswani et al. 2017), as in VSRN's and
SGRAF's region reasoning (Li et al. 2019; Diao et al. 2021), with the boxes' geometry as input.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenograph.nn.projection import Standardise

CHANNELS, POOLED, CLASSES = 1280, 5120, 80
GEOMETRY = 7


class VisualUnits(nn.Module):
    """Unit vectors of images.

    Shapes: backbone, detector (B, U, 1280), the maps' means over each unit's box; scores (B, U, 80), the
    detector's classes, zeros for cells; boxes (B, U, 4); region (B, U), 1 for regions and 0 for cells;
    present (B, U), 0 for padding; pooled (B, 5120), the average and maximum of the backbone's map, then of
    the detector's -> vectors (B, U, d) and scene (B, d), unit length.
    Other `channels` are for training on compressed means (`train.compression`).
    """

    def __init__(
        self, *, channels: int = CHANNELS, width: int = 128, size: int = 128, heads: int = 4,
        hidden: int = 512, dropout: float = 0.15, feature_dropout: float = 0.2, pooled_dropout: float = 0.3,
    ) -> None:  # fmt: skip
        super().__init__()
        self.pooled_scale = Standardise(POOLED)
        self.feature_dropout = nn.Dropout(feature_dropout)
        self.backbone = nn.Linear(channels, width)
        self.detector = nn.Linear(channels, width)
        self.classes = nn.Linear(CLASSES, width, bias=False)
        self.geometry = nn.Linear(GEOMETRY, width, bias=False)
        self.kind = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width)
        self.pooled = nn.Sequential(
            nn.Dropout(pooled_dropout),
            nn.Linear(POOLED, hidden),
            nn.GELU(),
            nn.Dropout(pooled_dropout),
            nn.Linear(hidden, size),
        )
        self.scene = nn.Linear(size, width)
        self.layer = RegionLayer(width, heads, dropout)
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Dropout(dropout), nn.Linear(width, size))

    def forward(
        self, backbone: Tensor, detector: Tensor, scores: Tensor, boxes: Tensor, region: Tensor,
        present: Tensor, pooled: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        x = (
            self.backbone(self.feature_dropout(backbone))
            + self.detector(self.feature_dropout(detector))
            + self.classes(scores.clamp_min(0).sqrt())
            + self.geometry(geometry(boxes))
            + region[..., None] * self.kind.weight[0]
            + (1 - region[..., None]) * self.kind.weight[1]
        )
        scene = self.pooled(self.pooled_scale(pooled))
        x = torch.cat([self.norm(x), self.scene(scene)[:, None]], dim=1)
        seen = torch.cat([present, torch.ones_like(present[:, :1])], dim=1)
        x = self.layer(x, (1 - seen)[:, None, None] * -1e4)
        return functional.normalize(self.out(x[:, :-1]), dim=-1), functional.normalize(scene, dim=-1)


class RegionLayer(nn.Module):
    """A transformer encoder layer, norm before each residual.

    Shapes: x (B, U, width), bias (B, 1, 1, U) added to the attention's scores -> (B, U, width).
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.attention_in = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.feed = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.attention_in(self.norm(x)).chunk(3, dim=-1)
        )
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + bias
        context = self.dropout(torch.softmax(scores, dim=-1)) @ value
        x = x + self.dropout(self.attention_out(context.transpose(1, 2).flatten(2)))
        fed: Tensor = x + self.feed(x)
        return fed


def geometry(boxes: Tensor) -> Tensor:
    """Corners, sides and area.  Shapes: (..., 4) -> (..., 7)."""
    sides = boxes[..., 2:] - boxes[..., :2]
    return torch.cat([boxes, sides, sides.prod(dim=-1, keepdim=True)], dim=-1)
