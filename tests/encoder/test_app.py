"""EncoderApp with the default pack: one space for images, texts and graphs; refusals; its gRPC face."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.serving import serving_one
from tests.support import sample_photo

from scenograph.encoder.app import MAX_TEXT_CHARS, EncoderApp
from scenograph.encoder.sentences import edge_phrase, graph_sentence, node_phrase
from scenograph.encoder.servicer import EncoderServicer
from scenograph.runtime.contracts import ImageFeatures
from scenograph.runtime.converters import features_to_pb, graph_to_pb
from scenograph.runtime.sessions import Arrays, Sessions
from scenograph.runtime.status import from_rpc_error
from scenograph.runtime.texts import TextEncoder
from scenograph.runtime.vision import Sight, Vision
from scenograph.scene.errors import InvalidImage, InvalidInput, InvalidText
from scenograph.scene.graph import Attribute, Edge, Node, SceneGraph
from scenograph.v1 import common_pb2, encoder_pb2_grpc
from scenograph.v1 import encoder_pb2 as pb

PHOTOS = {
    "chelsea.png": "a cat looks at the camera",
    "coffee.png": "a cup of coffee on a table",
    "motorcycle_left.png": "a red motorcycle in a garage",
    "rocket.jpg": "a rocket on its launch pad",
    "horse.png": "the silhouette of a horse",
}


def photo(name: str) -> bytes:
    return sample_photo(name).read_bytes()


@pytest.fixture(scope="module")
def vision(sessions: Sessions) -> Vision:
    return Vision(sessions)


@pytest.fixture(scope="module")
def app(sessions: Sessions, vision: Vision) -> EncoderApp:
    return EncoderApp(sessions, vision, TextEncoder(sessions))


async def features_of(vision: Vision, name: str) -> ImageFeatures:
    (sight,), _ = await vision.look([photo(name)])
    assert isinstance(sight, Sight)
    return sight.features


async def test_photos_and_their_sentences_are_near(app: EncoderApp) -> None:
    images = await app.encode_images([photo(name) for name in PHOTOS])
    texts = await app.encode_texts(list(PHOTOS.values()))
    likeness = texts.vectors @ images.vectors.T
    np.testing.assert_array_equal(likeness.argmax(axis=1), range(len(PHOTOS)))
    for batch in (images, texts):
        assert batch.vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(batch.vectors, axis=1), 1, atol=1e-5)
        assert batch.pack_version.startswith("default@")


async def test_features_stand_for_their_image(app: EncoderApp, vision: Vision) -> None:
    features = await features_of(vision, "chelsea.png")
    mixed = await app.encode_images([photo("coffee.png"), features, photo("chelsea.png")])
    np.testing.assert_allclose(mixed.vectors[1], mixed.vectors[2], atol=1e-6)
    assert abs(float(mixed.vectors[0] @ mixed.vectors[1])) < 0.9


async def test_a_bad_image_is_named(app: EncoderApp, vision: Vision) -> None:
    features = await features_of(vision, "chelsea.png")
    with pytest.raises(InvalidImage) as caught:
        await app.encode_images([features, b"no image"])
    assert caught.value.violations[0].field == "images[1].image"


@pytest.mark.parametrize("part", ["class_probabilities", "object_scores", "pooled", "detector_pooled"])
async def test_features_of_another_size_or_without_sense(app: EncoderApp, part: str) -> None:
    for wrong in (np.zeros(3, dtype=np.float32), None):
        parts = {
            "class_probabilities": np.full(1000, 1e-3, dtype=np.float32),
            "object_scores": np.zeros(80, dtype=np.float32),
            "pooled": np.zeros(5120, dtype=np.float32),
            "detector_pooled": np.zeros(2560, dtype=np.float32),
        }
        parts[part] = wrong if wrong is not None else np.full_like(parts[part], np.nan)
        with pytest.raises(InvalidInput) as caught:
            await app.encode_images([ImageFeatures(**parts)])
        assert caught.value.violations[0].field == f"images[0].features.{part}"


async def test_texts_are_encoded_in_order_whatever_their_company(app: EncoderApp) -> None:
    texts = [f"{count} dogs run over a field {'again and again ' * (count % 7)}" for count in range(40)]
    together = await app.encode_texts(texts)
    alone = await asyncio.gather(*(app.encode_texts([text]) for text in texts))
    np.testing.assert_allclose(together.vectors, np.concatenate([b.vectors for b in alone]), atol=2e-3)


async def test_heads_run_for_several_calls_at_once(
    sessions: Sessions, vision: Vision, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = EncoderApp(sessions, vision, TextEncoder(sessions))
    features = [await features_of(vision, name) for name in ("chelsea.png", "coffee.png")]
    alone = [(await app.encode_images([each])).vectors[0] for each in features]
    rows: dict[str, list[int]] = {"text_head": [], "image_head": []}
    infer = sessions.infer

    def counting(model: str, feeds: Arrays) -> dict[str, NDArray[Any]]:
        if model in rows:
            rows[model].append(len(next(iter(feeds.values()))))
        return infer(model, feeds)

    monkeypatch.setattr(sessions, "infer", counting)
    together = await asyncio.gather(*(app.encode_images([each]) for each in features))
    await asyncio.gather(*(app.encode_texts([f"{count} dogs"]) for count in range(2, 10)))
    assert rows == {"text_head": [8], "image_head": [2]}
    np.testing.assert_allclose([batch.vectors[0] for batch in together], alone, atol=1e-5)


@pytest.mark.parametrize("text", ["", " \n\t", "x" * (MAX_TEXT_CHARS + 1)])
async def test_texts_that_are_none(app: EncoderApp, text: str) -> None:
    with pytest.raises(InvalidText) as caught:
        await app.encode_texts(["a dog", text])
    assert caught.value.violations[0].field == "texts[1]"


async def test_batch_limits(app: EncoderApp) -> None:
    dog = SceneGraph((Node("dog"),))
    calls = (
        (app.encode_images([]), "images"),
        (app.encode_images([b"x"] * 65), "images"),
        (app.encode_texts([]), "texts"),
        (app.encode_texts(["a dog"] * 1025), "texts"),
        (app.encode_graphs([]), "graphs"),
        (app.encode_graphs([dog] * 257), "graphs"),
    )
    for call, field in calls:
        with pytest.raises(InvalidInput) as caught:
            await call
        assert caught.value.violations[0].field == field


async def test_graphs_are_near_the_sentences_that_say_the_same(app: EncoderApp) -> None:
    red = (Attribute("red"),)
    graphs = [
        SceneGraph((Node("dog"), Node("couch", attributes=red)), (Edge(0, "on", 1),)),
        SceneGraph((Node("man"), Node("horse")), (Edge(0, "riding", 1),)),
        SceneGraph((Node("pizza"), Node("dining table")), (Edge(0, "on", 1),)),
    ]
    texts = ["a dog on a red sofa", "a man riding a horse", "a pizza on a table"]
    likeness = (await app.encode_texts(texts)).vectors @ (await app.encode_graphs(graphs)).vectors.T
    np.testing.assert_array_equal(likeness.argmax(axis=1), range(3))


async def test_what_a_graph_denies_is_left_out(app: EncoderApp) -> None:
    dog = SceneGraph((Node("dog"),))
    no_cat = SceneGraph((Node("dog"), Node("cat", negated=True)), (Edge(0, "next to", 1, negated=True),))
    one, other = (await app.encode_graphs([dog, no_cat])).vectors
    np.testing.assert_allclose(one, other, atol=1e-5)
    for graph in (SceneGraph(), SceneGraph((Node("dog", negated=True),))):
        with pytest.raises(InvalidInput) as caught:
            await app.encode_graphs([dog, graph])
        assert caught.value.violations[0].field == "graphs[1].nodes"


async def test_a_graph_has_the_same_vector_alone_and_in_company(app: EncoderApp) -> None:
    graphs = [
        SceneGraph((Node("dog"), Node("frisbee"), Node("zorbing ball")), (Edge(0, "holding", 1),)),
        SceneGraph((Node("cat"),)),
    ]
    together = (await app.encode_graphs(graphs)).vectors
    alone = [(await app.encode_graphs([graph])).vectors[0] for graph in graphs]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_phrases() -> None:
    wet = Attribute("wet", negated=True)
    sofa = Node("sofas", lemma="sofa", attributes=(Attribute("red"), wet))
    assert node_phrase(sofa) == "red sofas"
    assert node_phrase(Node("dog", attributes=(Attribute("brown"),))) == "a brown dog"
    assert node_phrase(Node("dogs", lemma="dog", count=2)) == "2 dogs"
    assert node_phrase(Node("the beach")) == "the beach"
    graph = SceneGraph((Node("dog"), sofa), (Edge(0, "on", 1),))
    assert edge_phrase(graph, graph.edges[0]) == "a dog on red sofas"


def test_what_a_graph_says() -> None:
    dog, sofa, cat, tree = (
        Node("dog"),
        Node("sofa", attributes=(Attribute("red"),)),
        Node("cat", negated=True),
        Node("tree"),
    )
    graph = SceneGraph((dog, sofa, cat, tree), (Edge(0, "on", 1), Edge(2, "next to", 0, negated=True)))
    assert graph_sentence(graph) == "a dog on a red sofa, a tree"
    assert graph_sentence(SceneGraph((cat,))) == ""


async def test_over_grpc(app: EncoderApp, vision: Vision) -> None:
    def register(server: grpc.aio.Server) -> None:
        encoder_pb2_grpc.add_EncoderServiceServicer_to_server(EncoderServicer(app), server)

    features = features_to_pb(await features_of(vision, "chelsea.png"))
    image = common_pb2.Image(content=photo("chelsea.png"))
    graph = graph_to_pb(SceneGraph((Node("cat"),)))
    async with serving_one("scenograph.v1.EncoderService", register) as channel:
        stub = encoder_pb2_grpc.EncoderServiceStub(channel)
        inputs = [pb.ImageInput(image=image), pb.ImageInput(features=features)]
        images = await stub.EncodeImages(pb.EncodeImagesRequest(images=inputs))
        one, other = (np.array(embedding.values) for embedding in images.embeddings)
        np.testing.assert_allclose(one, other, atol=1e-6)
        texts = await stub.EncodeTexts(pb.EncodeTextsRequest(texts=["a cat", "a rocket"]))
        graphs = await stub.EncodeGraphs(pb.EncodeGraphsRequest(graphs=[graph]))
        assert np.dot(texts.embeddings[0].values, graphs.embeddings[0].values) > 0.5
        for answer in (images, texts, graphs):
            assert answer.pack_version.startswith("default@")
            assert answer.timings[-1].stage == "embed"
        bad = (
            ([pb.ImageInput()], "images[0]"),
            ([pb.ImageInput(image=common_pb2.Image(upload_id="u"))], "images[0].image.upload_id"),
            ([inputs[1], pb.ImageInput(image=common_pb2.Image(content=b"x"))], "images[1].image"),
            ([pb.ImageInput(features=common_pb2.ImageFeatures())], "images[0].features.class_probabilities"),
        )
        for wrong, field in bad:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.EncodeImages(pb.EncodeImagesRequest(images=wrong))
            error = from_rpc_error(caught.value)
            assert isinstance(error, InvalidInput) and error.violations[0].field == field
