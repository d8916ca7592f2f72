"""TERAN: transformers over regions and over words, aligned word by word."""

from __future__ import annotations

from torch import Tensor, nn

from scenograph.components import Sizes, nets
from scenograph.nn.matchers.inputs import RegionInput
from scenograph.nn.matchers.matcher import Encoded, Matcher, Said, Scores, Seen
from scenograph.nn.matchers.meeting import best_cosines


@nets("teran.v1")
class TERAN(Matcher):
    """The sum over words of each one's highest cosine with a region, after transformers of both.

    The image has `layers` of its own, then both sides go through the same `shared` ones; the words come from
    a text encoder.
    Source: Messina et al. 2021, sections 4.1 to 4.3, the pooling "MrSw".
    """

    def __init__(
        self, sizes: Sizes, /, *, layers: int = 1, shared: int = 2, heads: int = 4, dropout: float = 0.1,
        input_dropout: float = 0.2,
    ) -> None:  # fmt: skip
        super().__init__(sizes)
        size = sizes.dimension
        self.region = RegionInput(sizes.image, size, dropout=input_dropout, placed=True)
        self.words = nn.Sequential(nn.Dropout(input_dropout), nn.Linear(sizes.text, size))
        self.own = _transformer(size, layers, heads, dropout)
        self.shared = _transformer(size, shared, heads, dropout)

    def see(self, seen: Seen) -> Encoded:
        padding = ~seen.present
        regions: Tensor = self.own(self.region(seen.features, seen.boxes), src_key_padding_mask=padding)
        return self.shared(regions, src_key_padding_mask=padding), seen.present

    def read(self, said: Said) -> Encoded:
        words: Tensor = self.shared(self.words(said.words), src_key_padding_mask=~said.has_word)
        return words, said.has_word

    def compare(self, images: Encoded, texts: Encoded) -> Scores:
        return {"scores": best_cosines(*images, *texts, mean=False)}


def _transformer(size: int, layers: int, heads: int, dropout: float) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(size, heads, 2 * size, dropout, batch_first=True)
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
