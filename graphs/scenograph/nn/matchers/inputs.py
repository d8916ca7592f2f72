"""First layers that the matchers share: of regions, of pairs of regions, of objects said."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scenograph.nn.visual_units import GEOMETRY, geometry


class RegionInput(nn.Module):
    """Regions' features, and their boxes where `placed`, in the common space.

    Shapes: features (I, U, f), boxes (I, U, 4) -> (I, U, d).
    """

    def __init__(self, features: int, dimension: int, *, dropout: float, placed: bool) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.features = nn.Linear(features, dimension)
        self.place = nn.Linear(GEOMETRY, dimension, bias=False) if placed else None

    def forward(self, features: Tensor, boxes: Tensor) -> Tensor:
        found: Tensor = self.features(self.dropout(features))
        return found if self.place is None else found + self.place(geometry(boxes))


class ObjectInput(nn.Module):
    """Objects of sentences with what is said of them.  Shapes: heads, attributes (T, N, s) -> (T, N, d)."""

    def __init__(self, features: int, dimension: int, *, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(features, dimension)
        self.attribute = nn.Linear(features, dimension, bias=False)

    def forward(self, heads: Tensor, attributes: Tensor) -> Tensor:
        found: Tensor = self.head(self.dropout(heads)) + self.attribute(self.dropout(attributes))
        return found


class RegionPairs(nn.Module):
    """Relations of images: each region with the nearest others, from both vectors and how the boxes lie.

    Where two are equally near, the further left, then the upper one is taken, so that the order of regions
    does not matter.
    Shapes: vectors (I, U, d), boxes (I, U, 4), present (I, U) -> relations (I, R, d), told (I, R) bool, ends
    (I, R, 2) int64, with R = U * min(neighbours, U - 1).
    """

    def __init__(self, dimension: int, *, neighbours: int) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.subject = nn.Linear(dimension, dimension)
        self.object = nn.Linear(dimension, dimension, bias=False)
        self.place = nn.Linear(2 * GEOMETRY + 2, dimension, bias=False)

    def forward(self, vectors: Tensor, boxes: Tensor, present: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        images, units, _ = boxes.shape
        near = nearest(boxes, present, min(self.neighbours, units - 1))
        ends = torch.stack([torch.arange(units, device=near.device)[:, None].expand_as(near), near], dim=-1)
        ends = ends.reshape(images, -1, 2)
        row = torch.arange(images, device=near.device)[:, None]
        first, second = ends.unbind(-1)
        lies = torch.cat(
            [
                geometry(boxes[row, first]),
                geometry(boxes[row, second]),
                centres(boxes)[row, second] - centres(boxes)[row, first],
            ],
            dim=-1,
        )
        found = self.subject(vectors)[row, first] + self.object(vectors)[row, second] + self.place(lies)
        return found, present[row, first] & present[row, second], ends


def nearest(boxes: Tensor, present: Tensor, count: int) -> Tensor:
    """For each box the nearest others by their centres, padding last.

    Shapes: (I, U, 4), (I, U) -> (I, U, count) int64.
    """
    middle = centres(boxes)
    order = (middle * middle.new_tensor([1e-4, 1e-5])).sum(dim=-1)
    away = (middle[:, :, None] - middle[:, None]).norm(dim=-1) + order[:, None]
    own = torch.eye(boxes.shape[1], dtype=torch.bool, device=boxes.device)
    away = away.masked_fill(own, 20.0) + 10.0 * ~present[:, None]
    found: Tensor = away.topk(count, dim=-1, largest=False).indices
    return found


def centres(boxes: Tensor) -> Tensor:
    """Shapes: (..., 4) -> (..., 2)."""
    return (boxes[..., :2] + boxes[..., 2:]) / 2
