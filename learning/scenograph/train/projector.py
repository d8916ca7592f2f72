"""What a trained deep method leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from scenograph.methods.contracts import FloatArray
from scenograph.methods.recipe import Recipe, from_json, to_json
from scenograph.scene.errors import InvalidInput
from scenograph.train.towers import Tower, encode, make_tower

FORMAT = "scenograph.deep_projector.v1"


@dataclass(frozen=True, slots=True, eq=False)
class DeepProjector:
    """Two trained towers, as a `Projector`; their outputs before the head, so that bit i is value i > 0."""

    recipe: Recipe
    image_tower: Tower
    text_tower: Tower

    def image(self, features: FloatArray) -> FloatArray:
        """Errors: InvalidInput (features of another dimension)."""
        return _vectors(self.image_tower, features)

    def text(self, features: FloatArray) -> FloatArray:
        """Errors: InvalidInput (features of another dimension)."""
        return _vectors(self.text_tower, features)

    def save(self, path: Path) -> None:
        """One safetensors file: weights named `image.*` and `text.*`, the recipe as metadata."""
        weights = _both(self.image_tower, self.text_tower).state_dict()
        metadata = {"format": FORMAT, "recipe": to_json(self.recipe)}
        save_file({name: value.cpu().contiguous() for name, value in weights.items()}, path, metadata)

    @staticmethod
    def load(path: Path) -> DeepProjector:
        """Errors: InvalidInput (not a file that `save` wrote)."""
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise InvalidInput(f"{path} is not a projector file: {error}") from error
        if metadata.get("format") != FORMAT:
            raise InvalidInput(f"{path} is not a deep projector: format {metadata.get('format')!r}")
        recipe = from_json(metadata["recipe"])
        with torch.random.fork_rng():
            image = make_tower(recipe, "image", len(weights["image.scale.mean"]))
            text = make_tower(recipe, "text", len(weights["text.scale.mean"]))
        _both(image, text).load_state_dict(weights)
        return DeepProjector(recipe, image.eval(), text.eval())


def _both(image: Tower, text: Tower) -> nn.ModuleDict:
    return nn.ModuleDict({"image": image, "text": text})


def _vectors(tower: Tower, features: FloatArray) -> FloatArray:
    trained = len(tower.scale.mean)
    if features.ndim != 2 or features.shape[1] != trained:
        raise InvalidInput(f"features of shape {features.shape}; this method was trained on (n, {trained})")
    vectors: Tensor = encode(tower, features)
    array: FloatArray = vectors.cpu().numpy()
    return array
