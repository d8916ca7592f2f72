"""TextBank: the text vectors that all untrained heads share, and the constants drawn from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import normalize

from scenograph.nn.scenes import class_scenes, generic_sentences, object_scenes

Encode = Callable[[Sequence[str]], Tensor]
"""Sentences -> (n, D) float32 mean-pooled, L2-normalised sentence vectors."""

SCENE_SHARE = 0.6  # of a label's vector, what its usual photograph adds; the rest is its name
TYPICAL_TEMPERATURE = 0.2  # how sharply everyday phrases pick the classes of a typical photo
TYPICAL_SHARE = 0.75  # of the image centre, the typical photo's classes; the rest weighs all classes alike
WHITENING_POWER = 0.5  # 0: none, 1: full
WHITENING_FLOOR = 1.0  # added to each variance, in units of the mean variance


@dataclass(frozen=True)
class TextBank:
    """Text vectors of the labels and of everyday sentences, by the text encoder from the words of `scenes`.

    Shapes: class_vectors (1000, D) and object_vectors (80, D) unit length, scene_vectors (S, D),
    generic_vectors (G, D).
    """

    class_vectors: Tensor
    object_vectors: Tensor
    scene_vectors: Tensor
    generic_vectors: Tensor
    name_vectors: Tensor

    @classmethod
    def build(cls, encode: Encode, class_names: Sequence[str], object_names: Sequence[str]) -> TextBank:
        """Encode the bank.

        `class_names`: the 1000 ImageNet classes in output order, each with all its synonyms ("tench, Tinca
        tinca");
        `object_names`: the 80 COCO classes in output order.
        """
        of_classes, of_objects = class_scenes(len(class_names)), object_scenes(object_names)
        phrases = sorted({phrase for group in of_classes + of_objects for phrase in group})
        scene_vectors = torch.as_tensor(encode(phrases), dtype=torch.float32)
        row = {phrase: number for number, phrase in enumerate(phrases)}

        def label_vectors(names: Sequence[str], scenes: Sequence[tuple[str, ...]]) -> Tensor:
            named = torch.as_tensor(encode([f"a photo of a {name}" for name in names]), dtype=torch.float32)
            rows = []
            for vector, group in zip(named, scenes, strict=True):
                if group:
                    shown = normalize(scene_vectors[[row[phrase] for phrase in group]].mean(dim=0), dim=0)
                    vector = (1 - SCENE_SHARE) * vector + SCENE_SHARE * shown
                rows.append(vector)
            return normalize(torch.stack(rows), dim=1)

        return cls(
            class_vectors=label_vectors(class_names, of_classes),
            object_vectors=label_vectors(object_names, of_objects),
            scene_vectors=scene_vectors,
            generic_vectors=torch.as_tensor(encode(generic_sentences()), dtype=torch.float32),
            name_vectors=torch.as_tensor(encode(list(object_names)), dtype=torch.float32),
        )

    @cached_property
    def text_centre(self) -> Tensor:
        """What captions have in common: the mean of everyday phrases and template captions.  Shape: (D,)."""
        return (self.scene_vectors.mean(dim=0) + self.generic_vectors.mean(dim=0)) / 2

    @cached_property
    def graph_centre(self) -> Tensor:
        """What bare labels have in common, and so the sums of them that graphs are.  Shape: (D,)."""
        return self.name_vectors.mean(dim=0)

    @cached_property
    def image_centre(self) -> Tensor:
        """What photographs have in common: class vectors, the more everyday the heavier.  Shape: (D,)."""
        near = torch.softmax(self.scene_vectors @ self.class_vectors.T / TYPICAL_TEMPERATURE, dim=1).mean(
            dim=0
        )
        every = torch.full_like(near, 1 / len(near))
        return (TYPICAL_SHARE * near + (1 - TYPICAL_SHARE) * every) @ self.class_vectors

    @cached_property
    def whitening(self) -> Tensor:
        """Symmetric map that shrinks the directions in which labels vary most.  Shape: (D, D)."""
        vectors = torch.cat([self.scene_vectors, self.class_vectors]).double()
        vectors = vectors - vectors.mean(dim=0)
        variance, directions = torch.linalg.eigh(vectors.T @ vectors / len(vectors))
        scale = (variance + WHITENING_FLOOR * variance.mean()) ** (-WHITENING_POWER / 2)
        whitening: Tensor = ((directions * scale) @ directions.T).float()
        return whitening
