"""One projector after another."""

from __future__ import annotations

from dataclasses import dataclass

from scenograph.methods.contracts import FloatArray, Projector


@dataclass(frozen=True, slots=True, eq=False)
class Chained:
    """A second projector on the first one's vectors, such as DCCA's linear CCA."""

    first: Projector
    second: Projector

    def image(self, features: FloatArray) -> FloatArray:
        return self.second.image(self.first.image(features))

    def text(self, features: FloatArray) -> FloatArray:
        return self.second.text(self.first.text(features))
