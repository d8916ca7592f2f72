"""What a trained deep method leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor, nn

from scenograph.methods.contracts import FloatArray
from scenograph.train.pairs import Tower, encode


@dataclass(frozen=True, slots=True, eq=False)
class DeepProjector:
    """Two trained towers, as a `Projector`; their outputs before the head, so that bit i is value i > 0."""

    image_tower: Tower
    text_tower: Tower

    def image(self, features: FloatArray) -> FloatArray:
        return _array(encode(self.image_tower, features))

    def text(self, features: FloatArray) -> FloatArray:
        return _array(encode(self.text_tower, features))

    def save(self, path: Path) -> None:
        """Both towers' weights in one safetensors file, named `image.*` and `text.*`."""
        both = nn.ModuleDict({"image": self.image_tower, "text": self.text_tower})
        save_file({name: value.contiguous() for name, value in both.state_dict().items()}, path)


def _array(vectors: Tensor) -> FloatArray:
    array: FloatArray = vectors.cpu().numpy()
    return array
