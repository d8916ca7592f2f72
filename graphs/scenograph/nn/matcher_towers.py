"""MatcherTowers: the visual and textual units that are trained together."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from scenograph.nn.text_units import TextUnits
from scenograph.nn.unit_matcher import local_scores
from scenograph.nn.visual_units import VisualUnits


class MatcherTowers(nn.Module):
    """Scores of sentences with images, from the inputs of `VisualUnits` and of `TextUnits.units`."""

    def __init__(self, visual: VisualUnits, text: TextUnits) -> None:
        super().__init__()
        self.visual = visual
        self.text = text

    def grid(self, seen: Mapping[str, Tensor], said: Mapping[str, Tensor]) -> Tensor:
        """Every sentence with every image.  Shapes: I images, T sentences -> (T, I)."""
        regions, scenes = self.visual(**seen)
        units, weights = self.text.units(**said)
        local = local_scores(units[:, :-1], weights[:, :-1], regions, seen["present"])
        grid: Tensor = local + weights[:, -1:].float() * (units[:, -1] @ scenes.T).float()
        return grid

    def grid_and_own(
        self,
        seen: Mapping[str, Tensor],
        said: Mapping[str, Tensor],
        other: Mapping[str, Tensor],
        owner: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """`grid`, and the score of each other sentence with one image of its own.

        Shapes: owner (T',) int64, an image each -> (T, I), (T',).
        """
        regions, scenes = self.visual(**seen)
        units, weights = self.text.units(**said)
        local = local_scores(units[:, :-1], weights[:, :-1], regions, seen["present"])
        grid = local + weights[:, -1:].float() * (units[:, -1] @ scenes.T).float()
        units, weights = self.text.units(**other)
        cosine = units[:, :-1] @ regions[owner].transpose(1, 2)
        away = (1 - seen["present"][owner])[:, None] * 4
        best = (cosine - away).amax(dim=-1)
        whole = (units[:, -1] * scenes[owner]).sum(dim=-1)
        return grid, ((best * weights[:, :-1]).sum(dim=-1) + whole * weights[:, -1]).float()
