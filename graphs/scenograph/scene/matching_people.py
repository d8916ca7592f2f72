"""How specific words are, and how many people a graph speaks of."""

from __future__ import annotations

from functools import lru_cache

from scenograph.scene.graph import Node, SceneGraph
from scenograph.scene.vocabulary import Vocabulary, singulars

PERSON_IMPORTANCE = 0.4  # people are in most pictures, so that meeting one says little
VAGUE_IMPORTANCE = 0.3  # likewise words that hold nearly everything
GROUP = 4.0  # people in "a group", "a crowd"; more are not told apart
SEVERAL = 2.5  # people in an uncounted plural
DOUBTFUL, CERTAIN = 0.3, 0.5  # certainty up to which somebody seen counts for nobody, from which for one

GROUPS = frozenset(
    ["group", "crowd", "team", "band", "audience", "family", "class", "line", "troop", "parade"]
)
VAGUE = frozenset(
    [
        *("thing", "something", "object", "item", "place", "area", "side", "front", "back", "top", "bottom"),
        *("background", "foreground", "distance", "view", "other", "another", "one", "all", "both"),
        *("picture", "photo", "image", "camera", "scene", "day", "time", "way"),
    ]
)


class People:
    """Looks words up in the vocabulary once each."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.importance = lru_cache(maxsize=65_536)(self._importance)
        self._is_person = lru_cache(maxsize=65_536)(self._person)
        self._counts = lru_cache(maxsize=65_536)(lambda name: name in GROUPS or self._is_person(name))

    def count(self, graph: SceneGraph) -> float:
        """How many people a graph speaks of or shows, at most GROUP."""
        people = (node for node in graph.nodes if self._counts(node.lemma or node.label))
        return min(GROUP, sum(map(self._number, people)))

    def _number(self, node: Node) -> float:
        if node.negated:
            return 0.0
        if node.name in GROUPS:
            return GROUP
        said = float(node.count) or (SEVERAL if is_plural(node) else 1.0)
        return said * min(1.0, max(0.0, (node.score - DOUBTFUL) / (CERTAIN - DOUBTFUL)))

    def _importance(self, name: str) -> float:
        if name in VAGUE:
            return VAGUE_IMPORTANCE
        return PERSON_IMPORTANCE if self._is_person(name) else 1.0

    def _person(self, name: str) -> bool:
        return self._vocabulary.is_a(name, "person")


def agreement(one: float, other: float) -> float:
    """1 where the numbers are the same, less the further they are apart."""
    return (min(one, other) + 0.5) / (max(one, other) + 0.5)


def is_plural(node: Node) -> bool:
    """Whether the written label is the plural of its dictionary form."""
    return node.name == "people" or (
        bool(node.lemma) and node.label.lower() != node.lemma.lower() and bool(singulars(node.label.lower()))
    )
