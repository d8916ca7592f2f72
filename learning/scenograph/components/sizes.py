"""What a component may want to know of the data before it is built."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Widths of both modalities' features and of the common space; how many classes and training pairs."""

    image: int
    text: int
    dimension: int
    classes: int = 0
    pairs: int = 0
