"""What a trained method gives, whatever family it is of, so that one evaluator measures them all.

A method that needs no gradient is a registered function of the training pairs; what follows `seed` (or
`progress`, where it reports) are the parameters of the recipe's [solver] table::

    @solvers("cca.v1")
    def cca(train: FeatureSplit, *, dimension: int, seed: int, ridge: float = 1e-3) -> Trained: ...

It takes `bits` in the place of `dimension` where it learns a code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
BitArray = NDArray[np.bool_]
Progress: TypeAlias = Callable[[str, int, int], None]  # (what, steps done, steps in all)


class Projector(Protocol):
    """Maps new features of either modality to one common space.

    A real-valued method's vectors are compared by cosine. A hashing method's are its hash functions' outputs:
    bit i of an item's code is `vector[i] > 0`.
    """

    def image(self, features: FloatArray) -> FloatArray:
        """Shapes: (n, dx) -> (n, D)."""
        ...

    def text(self, features: FloatArray) -> FloatArray:
        """Shapes: (n, dy) -> (n, D)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The outcome of training on n pairs.

    `image_codes`, `text_codes` (n, bits): the training items' own learned codes, for the *paper* protocol of
    hashing methods that learn such codes (the same array twice where the code is unified); None for methods
    that have only hash functions.
    """

    projector: Projector
    image_codes: BitArray | None = None
    text_codes: BitArray | None = None
