"""ScoreTriplet: the triplet loss of a matrix of scores, for matchers that have no vectors to compare."""

from __future__ import annotations

from torch import Tensor, nn

from scenograph.components import losses
from scenograph.losses.triplet import Negatives, hinge


@losses("score_triplet.v1")
class ScoreTriplet(nn.Module):
    """Hinge of a pair's score against those of the batch's other items, both directions: the sum over all of
    them, or the hardest alone; the mean over pairs. `on` names the scores.

    Shapes: scores (B, B), pairs on the diagonal -> scalar.  Source: Faghri et al. 2018 (VSE++), eq. 5, eq. 6.
    """

    def __init__(self, *, margin: float = 0.2, negatives: Negatives = "hardest", on: str = "scores") -> None:
        super().__init__()
        self.margin, self.negatives, self.on = margin, negatives, on

    def forward(self, scores: Tensor) -> Tensor:
        return hinge(scores, self.margin, self.negatives)
