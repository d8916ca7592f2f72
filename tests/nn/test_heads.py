"""The untrained heads: their words, their constants, their outputs, their ONNX exports."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from scenograph.nn.hash_head import HashHead
from scenograph.nn.image_head import ImageHead
from scenograph.nn.scenes import class_scenes, generic_sentences, object_scenes
from scenograph.nn.text_bank import TextBank
from scenograph.nn.text_head import TextHead
from scenograph.scene.vocabulary import Vocabulary

D = 384


def word_sums(sentences: Sequence[str]) -> Tensor:
    """Sentence vectors that need no model: sums of fixed random word vectors, and a part that all share."""
    rows = [sum(map(word_vector, sentence.lower().split())) + 5.0 for sentence in sentences]
    return normalize(torch.from_numpy(np.stack(rows)).float(), dim=1)


@cache
def word_vector(word: str) -> NDArray[np.float64]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
    return np.random.default_rng(seed).normal(size=D)


@pytest.fixture(scope="module")
def bank() -> TextBank:
    vocabulary = Vocabulary.load()
    return TextBank.build(word_sums, vocabulary.class_names, vocabulary.object_names)


def test_scenes_name_classes_that_exist() -> None:
    scenes = class_scenes()
    assert len(scenes) == 1000
    assert sum(bool(phrases) for phrases in scenes) > 800
    assert all(phrase and phrase == phrase.strip() for phrases in scenes for phrase in phrases)
    names = Vocabulary.load().object_names
    assert all(object_scenes(names))
    assert len(generic_sentences()) > 1000


def test_a_label_lies_between_its_name_and_its_scenes(bank: TextBank) -> None:
    assert bank.class_vectors.shape == (1000, D)
    assert bank.object_vectors.shape == (80, D)
    assert torch.allclose(bank.class_vectors.norm(dim=1), torch.ones(1000), atol=1e-5)
    skis = Vocabulary.load().object_names.index("skis")
    (named, shown) = word_sums(["a photo of a skis", object_scenes(["skis"])[0][0]])
    assert bank.object_vectors[skis] @ named > 0.5
    assert bank.object_vectors[skis] @ shown > 0.5


def test_whitening_shrinks_where_labels_vary_most(bank: TextBank) -> None:
    vectors = torch.cat([bank.scene_vectors, bank.class_vectors])
    vectors = vectors - vectors.mean(dim=0)
    before = torch.linalg.svdvals(vectors)
    after = torch.linalg.svdvals(vectors @ bank.whitening)
    assert after[0] / after[50] < before[0] / before[50]
    assert torch.allclose(bank.whitening, bank.whitening.T, atol=1e-5)


def test_an_image_is_nearest_the_sentence_about_what_it_shows(bank: TextBank) -> None:
    vocabulary = Vocabulary.load()
    image_head, text_head = ImageHead.from_bank(bank), TextHead.from_bank(bank)
    shown = {"ski": "a photo of a ski", "volcano": "a photo of a volcano", "pizza": "a photo of a pizza"}
    probs = torch.full((3, 1000), 1e-4)
    for row, name in enumerate(shown):
        probs[row, vocabulary.class_names.index(name)] = 0.9
    objects = torch.zeros(3, 80)
    similarity = image_head(probs, objects) @ text_head(word_sums(list(shown.values()))).T
    assert similarity.argmax(dim=1).tolist() == [0, 1, 2]


def test_detected_objects_sway_the_image(bank: TextBank) -> None:
    head = ImageHead.from_bank(bank)
    probs, objects = torch.full((2, 1000), 1e-3), torch.zeros(2, 80)
    dog = Vocabulary.load().object_names.index("dog")
    objects[1, dog] = 1.0
    without, seen = head(probs, objects)
    about = TextHead.from_bank(bank)(word_sums(["a dog"]))[0]
    assert seen @ about > without @ about
    assert torch.isfinite(head(torch.zeros(1, 1000), torch.zeros(1, 80))).all()


def test_codes_keep_neighbours_and_nest(bank: TextBank) -> None:
    head = HashHead.from_bank(bank)
    assert head.directions.shape == (D, 256)
    assert torch.equal(head.directions, HashHead.from_bank(bank).directions)
    first = head.directions[:, :64].double()
    gram = first @ first.T  # a tight frame: a projector onto 48 dimensions
    assert torch.allclose(gram @ gram, gram, atol=1e-5)
    assert float(torch.trace(gram)) == pytest.approx(48, abs=1e-3)
    vectors = normalize((bank.class_vectors - bank.image_centre) @ bank.whitening, dim=1)
    codes = torch.sign(head(vectors))
    cosine = (vectors @ vectors.T).flatten()
    agreement = (codes @ codes.T).flatten() / 256
    assert float(np.corrcoef(cosine, agreement)[0, 1]) > 0.8
