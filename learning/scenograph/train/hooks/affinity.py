"""How alike a batch's items are, from both modalities' features: what unsupervised codes are to reproduce."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn.functional import normalize

from scenograph.components import hooks
from scenograph.train.hook import Hook


def cosines(features: Tensor) -> Tensor:
    """Cosines of all pairs of rows.  Shapes: (B, d) -> (B, B)."""
    unit = normalize(features, dim=1)
    return unit @ unit.T


@hooks("joint-affinity.v1")
class JointAffinity(Hook):
    """Gives `affinity` (B, B): both modalities' cosines mixed by `image_share`, and, by `high_order`, how
    alike two items' neighbourhoods are.

    Source: Su et al. 2019 (DJSRH), eq. 2 to 4.
    """

    def __init__(self, *, image_share: float = 0.3, high_order: float = 0.4) -> None:
        self.image_share = image_share
        self.high_order = high_order

    def values(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        image, text = (cosines(values[f"{side}_features"]) for side in ("image", "text"))
        mixed = self.image_share * image + (1 - self.image_share) * text
        neighbourhoods = mixed @ mixed.T / len(mixed)
        return {"affinity": (1 - self.high_order) * mixed + self.high_order * neighbourhoods}


@hooks("weighted-affinity.v1")
class WeightedAffinity(Hook):
    """Gives `affinity` (B, B), with confident pairs pushed further apart.

    Cosines stretched to [-1, 1] of each modality and, between them, of the items' rows of those cosines are
    mixed by `image_share`, `text_share` and `cross_share`. Pairs more than `low` deviations below the batch's
    mean, or `high` above it, are scaled up by at most 1 + `push`; the rest, in the doubtful middle, stay.
    Source: Liu et al. 2020 (JDSH), joint-modal similarity and distribution-based decision and weighting; the
    distribution is the batch's own, where the authors fit one to a sample beforehand.
    """

    def __init__(
        self,
        *,
        image_share: float = 0.3,
        text_share: float = 0.3,
        cross_share: float = 0.4,
        low: float = 0.5,
        high: float = 0.5,
        push: float = 0.5,
    ) -> None:
        self.shares = (image_share, text_share, cross_share)
        self.low = low
        self.high = high
        self.push = push

    def values(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        image, text = (2 * cosines(values[f"{side}_features"]) - 1 for side in ("image", "text"))
        cross = normalize(image, dim=1) @ normalize(text, dim=1).T
        parts = (image, text, (cross + cross.T) / 2)
        mixed = sum((share * part for share, part in zip(self.shares, parts, strict=True)), 0 * image)
        left = mixed.mean() - self.low * mixed.std()
        right = mixed.mean() + self.high * mixed.std()
        lower = (1 + self.push * (mixed.min() - mixed).exp()) * mixed
        higher = (1 + self.push * (mixed - mixed.max()).exp()) * mixed
        return {"affinity": lower.where(mixed < left, higher.where(mixed > right, mixed))}
