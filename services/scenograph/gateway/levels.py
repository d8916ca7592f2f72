"""The levels of a search: the pack's, each with how much the request's weights make it count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from scenograph.gateway.packs import PackLevel
from scenograph.gateway.requests import LevelWeights
from scenograph.runtime.contracts import Level
from scenograph.scene.errors import InvalidInput

NEGLIGIBLE = 1e-9  # of a scale's difference from 1


def scaled_levels(
    levels: Sequence[PackLevel], weights: LevelWeights | None, *, field: str
) -> tuple[Level, ...]:
    """The levels with their scales: the request's share of a level over the pack's; all 1 without weights.

    Errors: InvalidInput where no level of the pack has any weight.
    """
    if weights is None:
        return tuple(one.level for one in levels)
    asked = [asdict(weights)[one.name] for one in levels]
    if not any(asked):
        names = ", ".join(one.name for one in levels)
        raise InvalidInput(f"no weight for any level of the pack, which has {names}", field=field)
    scales = [value / sum(asked) / one.weight for one, value in zip(levels, asked, strict=True)]
    if all(abs(scale - 1) < NEGLIGIBLE for scale in scales):
        scales = [1.0] * len(scales)
    return tuple(replace(one.level, scale=scale) for one, scale in zip(levels, scales, strict=True))
