"""Arguments become the right messages, and wrong ones say what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenograph.client import Candidate, Edge, GraphQuery, Item, Node, Part, SceneGraph
from scenograph.client.arguments import SearchArguments
from scenograph.client.graphs import read_graph, write_graph
from scenograph.client.requests import (
    INLINE_BYTES,
    Images,
    batch_ingest,
    chunks,
    describe,
    rank,
    search,
)
from scenograph.v1 import common_pb2, gateway_pb2


def _search(**arguments: object) -> gateway_pb2.SearchRequest:
    what: SearchArguments = arguments  # type: ignore[assignment]
    return search("photos", what, "", Images())


def test_items_with_labels_and_blurred_faces() -> None:
    items = [Item("a", texts=["x"]), Item("b", texts=["y"], access_labels=("red", "blue"), blur_faces=True)]
    plain, labelled = batch_ingest("photos", items, "r", Images()).items
    assert (list(plain.access_labels), plain.blur_faces) == ([], False)
    assert (list(labelled.access_labels), labelled.blur_faces) == (["red", "blue"], True)


def test_search_defaults() -> None:
    request = _search(text="a dog")
    assert [part.text for part in request.query.parts] == ["a dog"]
    assert request.returning == common_pb2.MODALITY_IMAGE
    assert request.options.last_stage == gateway_pb2.STAGE_GRAPH
    assert not request.options.HasField("weights")


def test_search_options() -> None:
    request = _search(
        item_id="a",
        filter="year > 2000",
        limit=3,
        returning="text",
        explain=True,
        stage="float",
        coarse_candidates=50,
        graph_candidates=20,
        weights={"graph": 1.0},
        level_weights={"scene": 1.0, "relation": 0.5, "label": 2.0},
        match_weights={"symbolic": 1.0},
        bypass_cache=True,
    )
    assert (request.filter, request.page_size, request.explain) == ("year > 2000", 3, True)
    assert request.options.last_stage == gateway_pb2.STAGE_FLOAT
    assert (request.options.weights.graph, request.options.weights.coarse) == (1.0, 0.0)
    levels = request.options.level_weights
    assert (levels.scene, levels.object, levels.relation, levels.label) == (1.0, 0.0, 0.5, 2.0)
    assert (request.options.match_weights.learned, request.options.match_weights.symbolic) == (0.0, 1.0)
    assert request.query.parts[0].item_id == "a"


def test_mixed_and_weighted_queries(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"bytes")
    mixed = _search(text="a dog", image=photo).query.parts
    assert (mixed[0].text, mixed[1].image.content) == ("a dog", b"bytes")
    weighted = _search(parts=[Part(text="a dog", weight=2.0), Part(image=b"x", weight=0.5)]).query.parts
    assert [part.weight for part in weighted] == [2.0, 0.5]


def test_graph_queries() -> None:
    in_words = _search(graph="(dog), not (cat)").query.parts[0]
    assert in_words.graph_expression == "(dog), not (cat)"
    graph = SceneGraph((Node("dog"), Node("sofa")), (Edge(0, "on", 1),))
    as_objects = _search(graph=GraphQuery(graph, SceneGraph((Node("cat"),)))).query.parts[0].graph
    assert read_graph(as_objects.required) == graph
    assert as_objects.forbidden.nodes[0].label == "cat"
    assert _search(graph=graph).query.parts[0].graph.required == as_objects.required
    assert str(graph) == "(dog)-[on]->(sofa)"
    assert read_graph(write_graph(graph)) == graph


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "a query needs"),
        ({"parts": [Part()]}, "one of text, image, graph and item_id, not none"),
        ({"parts": [Part(text="a", item_id="b")]}, "text, image, graph and item_id, not"),
        ({"text": "a", "stage": "fine"}, "stage is one of coarse, float, graph, not 'fine'"),
        ({"text": "a", "returning": "sound"}, "returning is one of image, text"),
        ({"text": "a", "weights": {"fog": 1.0}}, "unknown weights"),
        ({"text": "a", "level_weights": {"fog": 1.0}}, "there are scene and object and relation and label"),
        ({"text": "a", "match_weights": {"graph": 1.0}}, "there are learned and symbolic"),
    ],
)
def test_wrong_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _search(**arguments)


def test_candidates() -> None:
    candidates = [Candidate(text="a"), Candidate(image=b"y", id="z")]
    request = rank({"image": b"x"}, candidates, True, Images(), level_weights={"object": 2.0})
    assert request.level_weights.object == 2 and not request.HasField("match_weights")
    assert [candidate.WhichOneof("candidate") for candidate in request.candidates] == ["text", "image"]
    assert request.candidates[1].id == "z"
    with pytest.raises(ValueError, match="a text or an image"):
        rank({"text": "a"}, [Candidate()], False, Images())


def test_images_fill_a_message_and_the_rest_waits() -> None:
    half, images = bytes(INLINE_BYTES // 2), Images()
    request = batch_ingest("photos", [Item(id=str(n), image=half) for n in range(3)], "r", images)
    assert [len(item.image.content) for item in request.items] == [len(half), len(half), 0]
    (target, data), *more = images.waiting
    assert not more and data == half
    target.upload_id = "u"
    assert request.items[2].image.upload_id == "u"
    assert b"".join(chunk.chunk for chunk in chunks(half)) == half


def test_describing_a_file_larger_than_a_message() -> None:
    with pytest.raises(ValueError, match="12 MiB"):
        describe(bytes(INLINE_BYTES + 1))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _search(image=tmp_path / "none.jpg")
