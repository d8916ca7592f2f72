"""RegionFeatures: what two vision models see in boxes, as one vector each; the first layer of the heads that
name what regions are like and what they are to each other.
"""

from __future__ import annotations

from torch import Tensor, nn

CHANNELS, CLASSES = 1280, 80


class RegionFeatures(nn.Module):
    """The sum of linear maps of both models' mean features in a box and of the detector's class scores.

    Shapes: backbone, detector (N, 1280), the maps' means over each box; scores (N, 80) -> (N, width).
    Other `channels` are for training on compressed means (`train.compression`).
    """

    def __init__(self, width: int, *, channels: int = CHANNELS, dropout: float = 0.2) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.backbone = nn.Linear(channels, width)
        self.detector = nn.Linear(channels, width)
        self.classes = nn.Linear(CLASSES, width, bias=False)

    def forward(self, backbone: Tensor, detector: Tensor, scores: Tensor) -> Tensor:
        seen: Tensor = (
            self.backbone(self.dropout(backbone))
            + self.detector(self.dropout(detector))
            + self.classes(scores.clamp_min(0).sqrt())
        )
        return seen
