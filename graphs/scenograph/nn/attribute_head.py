"""AttributeHead: which words are said of a region: who it is, what it is like, does and wears."""

from __future__ import annotations

from torch import Tensor, nn

from scenograph.nn.calibrated import Calibrated
from scenograph.nn.region_features import CHANNELS, RegionFeatures
from scenograph.nn.visual_units import GEOMETRY, geometry


class AttributeHead(nn.Module):
    """Probabilities of `words` words for each of N regions of images.

    Shapes: backbone, detector (N, 1280), the vision models' maps' means over each box; scores (N, 80), the
    detector's classes; boxes (N, 4); whole_backbone, whole_detector (N, 1280), the means over the image that
    each region is of -> (N, words) in [0, 1]. `scores_of` gives the scores before calibration.
    """

    def __init__(
        self, words: int, *, channels: int = CHANNELS, width: int = 192, dropout: float = 0.3,
        feature_dropout: float = 0.2,
    ) -> None:  # fmt: skip
        super().__init__()
        self.region = RegionFeatures(width, channels=channels, dropout=feature_dropout)
        self.whole_dropout = nn.Dropout(feature_dropout)
        self.whole_backbone = nn.Linear(channels, width)
        self.whole_detector = nn.Linear(channels, width)
        self.geometry = nn.Linear(GEOMETRY, width, bias=False)
        self.out = nn.Sequential(
            nn.LayerNorm(width), nn.GELU(), nn.Dropout(dropout),
            nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, words),
        )  # fmt: skip
        self.calibrated = Calibrated(words)

    def scores_of(
        self, backbone: Tensor, detector: Tensor, scores: Tensor, boxes: Tensor, whole_backbone: Tensor,
        whole_detector: Tensor,
    ) -> Tensor:  # fmt: skip
        seen = self.region(backbone, detector, scores) + self.geometry(geometry(boxes))
        seen = seen + self.whole_backbone(self.whole_dropout(whole_backbone))
        seen = seen + self.whole_detector(self.whole_dropout(whole_detector))
        found: Tensor = self.out(seen)
        return found

    def forward(
        self, backbone: Tensor, detector: Tensor, scores: Tensor, boxes: Tensor, whole_backbone: Tensor,
        whole_detector: Tensor,
    ) -> Tensor:  # fmt: skip
        found: Tensor = self.calibrated(
            self.scores_of(backbone, detector, scores, boxes, whole_backbone, whole_detector)
        )
        return found
