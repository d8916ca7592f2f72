"""The default pack as installed: its interfaces, its sanity on real photographs, and its references."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.support import sample_photo

from scenograph.onnx.parity import OnnxModel, torch_parity
from scenograph.packs import Pack, self_check
from scenograph.prep import Tokenizer, backbone_input, decode_image, detector_input
from scenograph.scene.visual_detection import detect

pytestmark = pytest.mark.pack

INTERFACES = {
    "detector": (["image"], ["boxes", "scores", "features", "map"]),
    "backbone": (["image"], ["probs", "features", "cells", "map"]),
    "text_encoder": (["input_ids", "attention_mask"], ["sentence", "tokens", "lower", "middle"]),
    "image_head": (["class_probs", "object_scores", "features", "detector_features"], ["embedding"]),
    "text_head": (["tokens", "middle", "attention_mask"], ["embedding"]),
    "hash_head": (["embedding"], ["projections"]),
}
PHOTOS = ("chelsea.png", "coffee.png", "motorcycle_right.png")


@pytest.fixture(scope="module")
def models(default_pack: Pack) -> dict[str, OnnxModel]:
    return {
        name: OnnxModel(default_pack.model_path(name), threads=1) for name in default_pack.manifest.models
    }


@pytest.fixture(scope="module")
def names(default_pack: Pack) -> dict[str, list[str]]:
    vocabulary: dict[str, list[str]] = json.loads(default_pack.path("vocabulary.json").read_text("utf-8"))
    return vocabulary


def test_self_check(default_pack: Pack, models: dict[str, OnnxModel]) -> None:
    self_check(default_pack, lambda name, feeds: models[name](feeds))


def test_interfaces(default_pack: Pack, models: dict[str, OnnxModel]) -> None:
    for name, (inputs, outputs) in INTERFACES.items():
        model = default_pack.manifest.models[name]
        assert [tensor.name for tensor in model.inputs] == inputs == list(models[name].inputs)
        assert [tensor.name for tensor in model.outputs] == outputs == list(models[name].outputs)
    assert "graph_matcher" in models


def test_every_parity_kept_its_limit(default_pack: Pack) -> None:
    for name, model in default_pack.manifest.models.items():
        assert model.parity, name
        for parity in model.parity:
            assert parity.max_abs_error <= parity.limit <= 1e-3
    detector = default_pack.manifest.models["detector"]
    assert any("OpenCV" in parity.reference for parity in detector.parity)


@pytest.mark.parametrize(("name", "prepare"), [("detector", detector_input), ("backbone", backbone_input)])
def test_a_batch_of_three_is_three_of_one(models: dict[str, OnnxModel], name: str, prepare: object) -> None:
    assert callable(prepare)
    images = np.stack([prepare(decode_image(sample_photo(photo).read_bytes())) for photo in PHOTOS])
    together = models[name]({"image": images})
    for row in range(3):
        alone = models[name]({"image": images[row : row + 1]})
        for output, value in alone.items():
            np.testing.assert_allclose(together[output][row : row + 1], value, atol=1e-4, rtol=1e-4)


def test_vision_models_answer_as_torch_does(models: dict[str, OnnxModel]) -> None:
    from scenograph.nn.backbone import load_backbone
    from scenograph.nn.detector import load_detector
    from scenograph.packs.build.sources import BACKBONE, DETECTOR
    from scenograph.packs.build.trained import read_trained

    photo = decode_image(sample_photo("motorcycle_right.png").read_bytes())  # none of the build's own checks
    detector = load_detector(DETECTOR.file("frozen graph"))
    backbone = load_backbone(BACKBONE.file("weights"), read_trained("tuned_stage"))
    assert torch_parity(detector, models["detector"], [{"image": detector_input(photo)[None]}]) < 1e-4
    assert torch_parity(backbone, models["backbone"], [{"image": backbone_input(photo)[None]}]) < 1e-3


def test_text_batches_do_not_change_a_sentence(default_pack: Pack, models: dict[str, OnnxModel]) -> None:
    tokenizer = Tokenizer(default_pack.path("tokenizer.json"))
    texts = ["a dog", "Two men ride horses along a beach while the sun sets.", "red"]

    def encode(batch: list[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        tokens = tokenizer.encode_batch(batch)
        feeds = {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask}
        return models["text_encoder"](feeds)["sentence"]

    together = encode(texts)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    for row, text in enumerate(texts):
        np.testing.assert_allclose(together[row], encode([text])[0], atol=1e-5)


def test_text_encoder_is_the_published_one(default_pack: Pack, models: dict[str, OnnxModel]) -> None:
    library = pytest.importorskip("sentence_transformers", reason="the reference is not installed")
    from scenograph.packs.build.sources import TEXT_ENCODER

    reference = library.SentenceTransformer(str(TEXT_ENCODER.folder() / "model"), device="cpu")
    tokenizer = Tokenizer(default_pack.path("tokenizer.json"))
    texts = ["A man is riding a brown horse on the beach.", "two puppies", "no cat", "word " * 400]
    tokens = tokenizer.encode_batch(texts)
    feeds = {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask}
    cosines = (models["text_encoder"](feeds)["sentence"] * reference.encode(texts)).sum(axis=1)
    assert cosines.min() > 0.999


@pytest.mark.parametrize(
    ("photo", "expected"),
    [("chelsea.png", "Egyptian cat"), ("coffee.png", "espresso"), ("motorcycle_left.png", "motor scooter")],
)
def test_backbone_names_the_photograph(
    models: dict[str, OnnxModel], names: dict[str, list[str]], photo: str, expected: str
) -> None:
    image = backbone_input(decode_image(sample_photo(photo).read_bytes()))
    answer = models["backbone"]({"image": image[None]})
    assert names["classes"][int(answer["probs"][0].argmax())] == expected
    np.testing.assert_allclose(answer["cells"].sum(axis=-1), 1.0, atol=1e-4)
    average, maximum, tuned_average, tuned_maximum = np.split(answer["features"][0], 4)
    assert (maximum >= average).all() and (tuned_maximum >= tuned_average).all()


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        ("astronaut.png", "person"),
        ("chelsea.png", "cat"),
        ("coffee.png", "cup"),
        ("motorcycle_left.png", "motorcycle"),
    ],
)
def test_detector_finds_the_object(
    models: dict[str, OnnxModel], names: dict[str, list[str]], photo: str, expected: str
) -> None:
    image = detector_input(decode_image(sample_photo(photo).read_bytes()))
    answer = models["detector"]({"image": image[None]})
    assert answer["boxes"].min() >= 0.0
    assert answer["boxes"].max() <= 1.0
    found = detect(answer["boxes"][0], answer["scores"][0])
    best = {
        names["objects"][label]: score
        for label, score in zip(found.classes[::-1], found.scores[::-1], strict=True)
    }
    assert best[expected] > 0.5


def test_vocabulary(names: dict[str, list[str]]) -> None:
    assert (len(names["objects"]), len(set(names["objects"]))) == (80, 80)
    assert (len(names["classes"]), len(set(names["classes"]))) == (1000, 1000)
    assert (names["objects"][0], names["objects"][79]) == ("person", "toothbrush")
    assert (names["classes"][0], names["classes"][285]) == ("tench", "Egyptian cat")
    assert (len(names["class_synonyms"]), len(names["class_nouns"])) == (1000, 1000)


def test_label_vectors_are_the_text_encoders(default_pack: Pack, models: dict[str, OnnxModel]) -> None:
    tokenizer = Tokenizer(default_pack.path("tokenizer.json"))
    with np.load(default_pack.path("label_vectors.npz")) as arrays:
        words, vectors = arrays["names"].tolist(), arrays["vectors"]
    assert vectors.shape == (len(words), 384)
    for word in ("person", "red", "on"):
        tokens = tokenizer.encode_batch([word])
        feeds = {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask}
        encoded = models["text_encoder"](feeds)["sentence"][0]
        np.testing.assert_allclose(vectors[words.index(word)], encoded, atol=1e-4)


def test_parser_loads(default_pack: Pack) -> None:
    spacy = pytest.importorskip("spacy")
    sentence = spacy.load(default_pack.path("parser"))("A brown dog chases the ball.")
    assert [token.lemma_ for token in sentence if token.pos_ == "NOUN"] == ["dog", "ball"]
