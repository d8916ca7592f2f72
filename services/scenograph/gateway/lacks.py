"""What a degraded answer may lack, in the words of its `degraded_reason`."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from scenograph.scene.errors import ScenographError


class Lack(Enum):
    """The stage that is missing; its value is how the reason begins."""

    PARSE = "the text was not parsed"
    MATCH = "the graph stage was skipped"
    EXPLAIN = "hits are not explained"

    def because(self, error: ScenographError) -> str:
        """The reason in full."""
        return f"{self.value}: {error.message}"


def lacks(reason: str) -> Iterator[Lack]:
    """What an answer with this reason lacks."""
    return (lack for lack in Lack if lack.value in reason)
