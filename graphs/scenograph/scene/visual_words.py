"""The words that a head gives probabilities of, in the order of its outputs, and from where each is said."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

NEVER = 2.0
"""The limit of a word that is not said at all."""


@dataclass(frozen=True, slots=True)
class HeadWords:
    """`groups` names spans of the words, in order ("names", "attributes", "worn"); `least` is the probability
    from which a word is worth saying.
    """

    words: tuple[str, ...]
    least: tuple[float, ...]
    groups: dict[str, int]

    def __post_init__(self) -> None:
        if len(self.words) != len(self.least) or sum(self.groups.values()) != len(self.words):
            raise ValueError("words, limits and groups differ in number")

    def places(self, group: str) -> range:
        """The outputs of a group of words; none where the head has no such group."""
        first = 0
        for name, size in self.groups.items():
            if name == group:
                return range(first, first + size)
            first += size
        return range(0)

    @classmethod
    def load(cls, path: Path) -> HeadWords:
        """Errors: OSError, ValueError."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(tuple(content["words"]), tuple(map(float, content["least"])), dict(content["groups"]))

    def save(self, path: Path) -> None:
        """Write the file that `load` reads."""
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
