"""What a pack's learned heads add to the graphs of real photographs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support import sample_photo

from scenograph.packs import Pack
from scenograph.runtime.contracts import VisualGraph
from scenograph.runtime.sessions import Sessions
from scenograph.runtime.vision import Vision
from scenograph.scene.errors import PackCorrupt
from scenograph.scene.graph import SceneGraph
from scenograph.scene.visual_taxonomy import Taxonomy
from scenograph.scene.visual_words import HeadWords
from scenograph.scene.vocabulary import Vocabulary
from scenograph.visual.app import VisualApp
from scenograph.visual.heads import MODELS, Heads

VOCABULARY = Vocabulary.load()
TAXONOMY = Taxonomy.from_vocabulary(VOCABULARY)


@pytest.fixture(scope="module")
def heads(sessions: Sessions) -> Heads:
    if not all(name in sessions.pack.manifest.models for name in MODELS):
        pytest.skip("the newest pack was built before it had heads: make pack")
    return Heads(sessions, VOCABULARY, TAXONOMY)


async def _graph(sessions: Sessions, heads: Heads | None, name: str) -> SceneGraph:
    app = VisualApp(sessions, Vision(sessions), TAXONOMY, heads)
    result = (await app.build([sample_photo(name).read_bytes()])).results[0]
    assert isinstance(result, VisualGraph)
    return result.graph


async def test_heads_add_to_what_is_measured(sessions: Sessions, heads: Heads) -> None:
    measured = await _graph(sessions, None, "astronaut.png")
    graph = await _graph(sessions, heads, "astronaut.png")
    count = len(measured.nodes)
    assert [node.box for node in graph.nodes[:count]] == [node.box for node in measured.nodes]
    person = next(place for place, node in enumerate(measured.nodes) if node.label == "person")
    assert VOCABULARY.is_a(graph.nodes[person].label, "person")
    assert graph.nodes[person] != measured.nodes[person]
    scores = [node.score for node in graph.nodes] + [edge.score for edge in graph.edges]
    scores += [attribute.score for node in graph.nodes for attribute in node.attributes]
    assert all(0 <= score <= 1 for score in scores)
    worn = {edge.object for edge in graph.edges if edge.predicate == "wearing"}
    assert set(range(count, len(graph.nodes))) <= worn


async def test_an_animal_is_no_person(sessions: Sessions, heads: Heads) -> None:
    graph = await _graph(sessions, heads, "chelsea.png")
    assert TAXONOMY.is_a(graph.nodes[0].label, "cat")
    assert not any(VOCABULARY.is_a(node.label, "clothing") for node in graph.nodes)


async def test_nothing_changes_where_no_region_is(sessions: Sessions, heads: Heads) -> None:
    measured, graph = await _graph(sessions, None, "rocket.jpg"), await _graph(sessions, heads, "rocket.jpg")
    assert [node.label for node in graph.nodes] == [node.label for node in measured.nodes]


def test_words_must_be_the_models(sessions: Sessions, heads: Heads, tmp_path: Path) -> None:
    for name in MODELS:
        shutil.copy(sessions.pack.folder / f"{name}.json", tmp_path)
    words = HeadWords.load(tmp_path / f"{MODELS[0]}.json")
    pack: Pack = replace(sessions.pack, folder=tmp_path)
    HeadWords(words.words[1:], words.least[1:], words.groups | {"names": words.groups["names"] - 1}).save(
        tmp_path / f"{MODELS[0]}.json"
    )
    other = Sessions(pack)
    try:
        with pytest.raises(PackCorrupt, match="probabilities"):
            Heads(other, VOCABULARY, TAXONOMY)
        (tmp_path / f"{MODELS[0]}.json").unlink()
        with pytest.raises(PackCorrupt, match="cannot be read"):
            Heads(other, VOCABULARY, TAXONOMY)
    finally:
        other.close()
