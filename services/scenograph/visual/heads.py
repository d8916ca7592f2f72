"""The pack's learned heads: names of people, attributes, clothes and relations for an image's graph."""

from __future__ import annotations

from collections.abc import Mapping

from scenograph.runtime.contracts import FloatArray
from scenograph.runtime.sessions import Sessions
from scenograph.scene.errors import PackCorrupt
from scenograph.scene.graph import SceneGraph
from scenograph.scene.visual_heads import attribute_inputs, head_places, relation_inputs
from scenograph.scene.visual_learned import Kinds, with_attributes, with_relations
from scenograph.scene.visual_taxonomy import Taxonomy
from scenograph.scene.visual_units import Places
from scenograph.scene.visual_words import HeadWords
from scenograph.scene.vocabulary import Vocabulary

ATTRIBUTES, RELATIONS = MODELS = ("attribute_head", "relation_head")


class Heads:
    """Runs both heads.  Errors: PackCorrupt where their words are missing, or not as many as outputs."""

    def __init__(self, sessions: Sessions, vocabulary: Vocabulary, taxonomy: Taxonomy) -> None:
        self._sessions = sessions
        self._taxonomy = taxonomy
        self._attributes, self._relations = (self._words(name) for name in MODELS)
        self._kinds = Kinds.of(self._attributes, vocabulary)

    def add(self, graph: SceneGraph, places: Places, seen: Mapping[str, FloatArray]) -> SceneGraph:
        """The graph with what the heads say; `seen` is `visual_inputs` of these places. Blocking."""
        where = head_places(graph, places, self._taxonomy)
        if not len(where.nodes):
            return graph
        answer = self._sessions.infer(ATTRIBUTES, attribute_inputs(seen, where.regions))
        named = with_attributes(graph, where, answer["probabilities"], self._attributes, self._kinds)
        if not where.pairs.size:
            return named
        answer = self._sessions.infer(RELATIONS, relation_inputs(seen, where.regions, where.pairs))
        return with_relations(named, where, answer["probabilities"], self._relations)

    def _words(self, name: str) -> HeadWords:
        pack = self._sessions.pack
        try:
            words = HeadWords.load(pack.folder / f"{name}.json")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PackCorrupt(f"pack {pack.id}: {name}.json cannot be read: {error}") from error
        size = pack.manifest.models[name].outputs[0].shape[-1]
        if size != len(words.words):
            raise PackCorrupt(f"pack {pack.id}: {name} gives {size} probabilities, {len(words.words)} words")
        return words
