"""RelationHead: which predicates are said of an ordered pair of regions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scenograph.nn.calibrated import Calibrated
from scenograph.nn.region_features import CHANNELS, CLASSES, RegionFeatures
from scenograph.nn.visual_units import geometry

PAIR_GEOMETRY = 26


class RelationHead(nn.Module):
    """Probabilities of `predicates` predicates for P ordered pairs of N regions of images.

    Shapes: backbone, detector (N, 1280), the vision models' maps' means over each region's box; scores (N,
    80), the detector's classes; boxes (N, 4); union_backbone, union_detector (P, 1280), the means over the
    box around both; subjects, objects (P,) int64, which regions -> (P, predicates) in [0, 1]. `scores_of`
    gives the scores before calibration.
    `usual` (80, 80, predicates) are log odds between two classes, which the head corrects.
    Source: Zhang et al. 2017 (features of both regions and of the box around them); Zellers et al. 2018 (what
    is usual between two classes says most).
    """

    usual: Tensor

    def __init__(
        self, predicates: int, *, channels: int = CHANNELS, width: int = 128, dropout: float = 0.3,
        feature_dropout: float = 0.2,
    ) -> None:  # fmt: skip
        super().__init__()
        self.subject = RegionFeatures(width, channels=channels, dropout=feature_dropout)
        self.object = RegionFeatures(width, channels=channels, dropout=feature_dropout)
        self.union_dropout = nn.Dropout(feature_dropout)
        self.union_backbone = nn.Linear(channels, width)
        self.union_detector = nn.Linear(channels, width)
        self.geometry = nn.Sequential(nn.Linear(PAIR_GEOMETRY, width), nn.GELU(), nn.Linear(width, width))
        self.out = nn.Sequential(
            nn.LayerNorm(width), nn.GELU(), nn.Dropout(dropout),
            nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, predicates),
        )  # fmt: skip
        self.register_buffer("usual", torch.zeros(CLASSES, CLASSES, predicates))
        self.calibrated = Calibrated(predicates)

    def scores_of(
        self, backbone: Tensor, detector: Tensor, scores: Tensor, boxes: Tensor, union_backbone: Tensor,
        union_detector: Tensor, subjects: Tensor, objects: Tensor,
    ) -> Tensor:  # fmt: skip
        seen = (
            self.subject(backbone, detector, scores)[subjects]
            + self.object(backbone, detector, scores)[objects]
            + self.union_backbone(self.union_dropout(union_backbone))
            + self.union_detector(self.union_dropout(union_detector))
            + self.geometry(pair_geometry(boxes[subjects], boxes[objects]))
        )
        classes = scores.argmax(dim=1)
        found: Tensor = self.out(seen) + self.usual[classes[subjects], classes[objects]]
        return found

    def forward(
        self, backbone: Tensor, detector: Tensor, scores: Tensor, boxes: Tensor, union_backbone: Tensor,
        union_detector: Tensor, subjects: Tensor, objects: Tensor,
    ) -> Tensor:  # fmt: skip
        found: Tensor = self.calibrated(
            self.scores_of(
                backbone, detector, scores, boxes, union_backbone, union_detector, subjects, objects
            )
        )
        return found


def pair_geometry(first: Tensor, second: Tensor) -> Tensor:
    """Both boxes, where the second lies in units of the first and the other way round, and what they share.

    Shapes: (P, 4), (P, 4) -> (P, 26), all within [-4, 4].
    """
    low = torch.maximum(first[:, :2], second[:, :2])
    high = torch.minimum(first[:, 2:], second[:, 2:])
    shared = (high - low).clamp_min(0).prod(dim=1, keepdim=True)
    area_a, area_b = geometry(first)[:, 6:], geometry(second)[:, 6:]
    shares = [shared / one.clamp_min(1e-4) for one in (area_a, area_b, area_a + area_b - shared)]
    ratio = ((area_a + 1e-4) / (area_b + 1e-4)).log() / 4
    told = [
        geometry(first),
        geometry(second),
        _relative(first, second),
        _relative(second, first),
        *shares,
        ratio,
    ]
    return torch.cat(told, dim=1).clamp(-4, 4)


def _relative(one: Tensor, other: Tensor) -> Tensor:
    """The other's corners from the one's middle, in twice its sides.  Shapes: (P, 4), (P, 4) -> (P, 4)."""
    sides = (one[:, 2:] - one[:, :2]).clamp_min(1e-3)
    middle = (one[:, 2:] + one[:, :2]) / 2
    return (other - torch.cat([middle, middle], dim=1)) / torch.cat([sides, sides], dim=1) / 2
