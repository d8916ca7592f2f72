"""What a fine-grained matcher is, and what it takes of images and sentences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor, nn

from scenograph.components import Sizes

Encoded = tuple[Tensor, ...]
Scores = dict[str, Tensor]


class Seen(NamedTuple):
    """The visual units of I images: detector regions and grid cells.

    Shapes: features (I, U, f); boxes (I, U, 4) left, top, right, bottom in shares of the image; present
    (I, U) bool, False for padding.
    """

    features: Tensor
    boxes: Tensor
    present: Tensor


class Said(NamedTuple):
    """The parsed graphs and the words of T sentences, as vectors of a text encoder.

    Shapes: heads, attributes (T, N, s) of objects, predicates (T, E, s) of relations, each its words' mean,
    zeros where there are none; subjects, objects (T, E, N), 1 where object n is that end of relation e;
    has_object (T, N), has_relation (T, E) bool; words (T, W, s), or pieces of words; has_word (T, W) bool,
    False for padding.
    """

    heads: Tensor
    attributes: Tensor
    predicates: Tensor
    subjects: Tensor
    objects: Tensor
    has_object: Tensor
    has_relation: Tensor
    words: Tensor
    has_word: Tensor


class Matcher(nn.Module, ABC):
    """Scores of every image with every sentence, from `Sizes` of the units' and words' vectors and of the
    common space.

    What `see` and `read` give depends on one side alone and can be kept; `compare` meets both.
    """

    def __init__(self, sizes: Sizes, /) -> None:
        super().__init__()
        self.sizes = sizes

    @abstractmethod
    def see(self, seen: Seen) -> Encoded:
        """What is kept of I images: tensors whose first axis is I."""

    @abstractmethod
    def read(self, said: Said) -> Encoded:
        """What is kept of T sentences: tensors whose first axis is T."""

    @abstractmethod
    def compare(self, images: Encoded, texts: Encoded) -> Scores:
        """ "scores" (I, T), which rank, and others of the same shape that losses may read."""

    def forward(self, seen: Seen, said: Said) -> Scores:
        return self.compare(self.see(seen), self.read(said))
