"""What is seen in real photographs, from bytes to graph, with the default pack."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from tests.support import data_folder, sample_photo

from scenograph.runtime.contracts import VisualGraph
from scenograph.runtime.sessions import Sessions
from scenograph.runtime.vision import PREVIEW_SIDE, Sight, Vision
from scenograph.scene.errors import ImageTooLarge, InvalidImage, InvalidInput, PackCorrupt
from scenograph.scene.graph import SceneGraph
from scenograph.scene.visual_relations import MAX_EDGES
from scenograph.scene.visual_taxonomy import Taxonomy
from scenograph.scene.vocabulary import Vocabulary
from scenograph.visual.app import MAX_IMAGES, VisualApp

TAXONOMY = Taxonomy.from_vocabulary(Vocabulary.load())


def photo(name: str) -> bytes:
    return sample_photo(name).read_bytes()


@pytest.fixture(scope="module")
def app(sessions: Sessions) -> VisualApp:
    return VisualApp(sessions, Vision(sessions), TAXONOMY)


def graph_of(result: object) -> SceneGraph:
    assert isinstance(result, VisualGraph)
    return result.graph


@pytest.mark.parametrize(
    ("name", "kind", "colour"),
    [
        ("chelsea.png", "cat", "brown"),
        ("coffee.png", "cup", None),
        ("motorcycle_left.png", "motorcycle", "red"),
        ("astronaut.png", "person", None),
        ("horse.png", "horse", "black"),
    ],
)
async def test_the_main_object(app: VisualApp, name: str, kind: str, colour: str | None) -> None:
    batch = await app.build([photo(name)])
    first = graph_of(batch.results[0]).nodes[0]
    assert TAXONOMY.is_a(first.label, kind)
    assert first.score > 0.7
    assert colour is None or first.attributes[0].name == colour


async def test_the_coffee_is_in_the_cup_on_the_table(app: VisualApp) -> None:
    graph = graph_of((await app.build([photo("coffee.png")])).results[0])
    said = {(graph.nodes[e.subject].label, e.predicate, graph.nodes[e.object].label) for e in graph.edges}
    assert {("coffee", "in", "cup"), ("cup", "on", "dining table")} <= said
    assert graph.tags[0].label == "coffee"


async def test_every_graph_keeps_the_bounds(app: VisualApp) -> None:
    names = ("astronaut.png", "coins.png", "rocket.jpg", "brick.png", "clock_motion.png")
    batch = await app.build([photo(name) for name in names])
    for result in batch.results:
        graph = graph_of(result)
        assert len(graph.nodes) <= 20
        assert len(graph.edges) <= MAX_EDGES
        scores = [node.score for node in graph.nodes]
        assert scores == sorted(scores, reverse=True)
        for node in graph.nodes:
            assert node.box is not None
            assert 0 <= node.box.x0 < node.box.x1 <= 1 and 0 <= node.box.y0 < node.box.y1 <= 1
            assert 0 <= node.score <= 1 and all(0 <= a.score <= 1 for a in node.attributes)
        assert all(0 <= tag.score <= 1 for tag in graph.tags)
    assert set(batch.timings) == {"decode", "infer", "graph"}


async def test_the_same_bytes_give_the_same_graph_alone_or_in_company(app: VisualApp) -> None:
    images = [photo(name) for name in ("chelsea.png", "coffee.png", "astronaut.png")]
    together = await app.build(images, include_features=True)
    alone = await asyncio.gather(*(app.build([image], include_features=True) for image in images))
    for one, (other,) in zip(together.results, (batch.results for batch in alone), strict=True):
        assert isinstance(one, VisualGraph) and isinstance(other, VisualGraph)
        assert one.graph == other.graph
        assert one.features is not None and other.features is not None
        np.testing.assert_array_equal(one.features.class_probabilities, other.features.class_probabilities)


async def test_a_bad_image_fails_only_itself(app: VisualApp) -> None:
    cut = photo("chelsea.png")[:2000]
    batch = await app.build([b"", photo("coffee.png"), b"no image", cut])
    for place in (0, 2, 3):
        error = batch.results[place]
        assert isinstance(error, InvalidImage)
        assert error.violations[0].field == f"images[{place}]"
    assert graph_of(batch.results[1]).nodes
    assert batch.results[1].width == 600  # type: ignore[union-attr]


async def test_features_only_where_asked_for(app: VisualApp) -> None:
    (plain,) = (await app.build([photo("chelsea.png")])).results
    assert isinstance(plain, VisualGraph) and plain.features is None


def test_a_pack_with_other_classes_is_refused(sessions: Sessions) -> None:
    few = Taxonomy.build(("cat", "dog"), TAXONOMY.object_names, lambda name: ())
    with pytest.raises(PackCorrupt, match="backbone has 1000 classes, 2 have names"):
        VisualApp(sessions, Vision(sessions), few)


@pytest.mark.parametrize("count", [0, MAX_IMAGES + 1])
async def test_batch_limits(app: VisualApp, count: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        await app.build([b"x"] * count)
    assert caught.value.violations[0].field == "images"


async def test_limits_of_one_image(sessions: Sessions) -> None:
    data = photo("chelsea.png")
    small = Vision(sessions, max_pixels=1000)
    results, _ = await small.look([data])
    assert isinstance(results[0], ImageTooLarge)
    short = Vision(sessions, max_bytes=100)
    results, _ = await short.look([data], fields=["items[3].image"])
    assert isinstance(results[0], ImageTooLarge)
    assert results[0].violations[0].field == "items[3].image"


async def test_batches_see_what_single_runs_see(sessions: Sessions) -> None:
    images = [photo(name) for name in ("chelsea.png", "coffee.png", "astronaut.png")]
    single, _ = await Vision(sessions, batch_rows=1).look(images)
    batched, _ = await Vision(sessions, batch_rows=3, batch_wait_s=0.2).look(images)
    for one, other in zip(single, batched, strict=True):
        assert isinstance(one, Sight) and isinstance(other, Sight)
        np.testing.assert_allclose(one.cells, other.cells, atol=1e-4)
        np.testing.assert_allclose(one.features.object_scores, other.features.object_scores, atol=1e-4)
        assert max(one.preview.shape[:2]) <= PREVIEW_SIDE


@pytest.mark.data
async def test_animals_of_coco_are_named_right(app: VisualApp) -> None:
    """Of the animals seen in coco128 nearly all are animals that the photo's labels name."""
    folder = data_folder("coco128")
    right = seen = 0
    for path in sorted((folder / "images").glob("*.jpg"))[::4]:
        labels = folder / "labels" / f"{path.stem}.txt"
        lines = labels.read_text().splitlines() if labels.exists() else []
        named = {TAXONOMY.object_names[int(line.split()[0])] for line in lines}
        graph = graph_of((await app.build([path.read_bytes()])).results[0])
        for node in graph.nodes:
            if TAXONOMY.is_a(node.label, "animal") and node.score > 0.5:
                seen += 1
                right += any(TAXONOMY.is_a(node.label, name) for name in named)
    assert seen >= 5
    assert right / seen >= 0.85
