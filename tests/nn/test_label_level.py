"""The level of labels: evidence, its powers, and one space for images and sentences."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from scenograph.nn.label_level import CLASSES, OBJECTS, SENTENCE, ImageLabels, TextLabels


def one_hot(place: int, size: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor([place]), size).float()


def test_certain_evidence_is_the_labels_own_vector() -> None:
    labels = ImageLabels(size=8)
    labels.vectors.copy_(torch.randn(CLASSES + OBJECTS, 8, generator=torch.Generator().manual_seed(0)))
    seen = labels(one_hot(3, CLASSES), torch.zeros(1, OBJECTS))
    torch.testing.assert_close(seen, normalize(labels.vectors[3:4], dim=1))
    found = labels(one_hot(3, CLASSES), one_hot(7, OBJECTS))
    both = labels.vectors[3:4] + labels.object_weight * labels.vectors[CLASSES + 7]
    torch.testing.assert_close(found, normalize(both, dim=1))


def test_classes_are_flattened_and_objects_weighed() -> None:
    labels = ImageLabels(class_power=0.5, object_weight=0.1)
    probs = torch.zeros(1, CLASSES)
    probs[0, :2] = torch.tensor([0.64, 0.36])
    evidence = labels.evidence(probs, torch.full((1, OBJECTS), 0.5))
    torch.testing.assert_close(evidence[0, :2], torch.tensor([0.8, 0.6]) / 1.4)
    torch.testing.assert_close(evidence[0, CLASSES:], torch.full((OBJECTS,), 0.05))


def test_what_captions_have_in_common_says_nothing() -> None:
    labels = TextLabels(size=8)
    generator = torch.Generator().manual_seed(1)
    labels.centre.copy_(torch.randn(SENTENCE, generator=generator))
    labels.directions.copy_(torch.randn(SENTENCE, 8, generator=generator))
    said = torch.randn(4, SENTENCE, generator=generator)
    torch.testing.assert_close(labels(said + labels.centre), normalize(said @ labels.directions, dim=1))
