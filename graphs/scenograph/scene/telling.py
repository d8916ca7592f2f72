"""A scene graph as one sentence that knows where each of its objects is said."""

from __future__ import annotations

from dataclasses import replace

from scenograph.scene.graph import Node, SceneGraph, Span
from scenograph.scene.verbalise import noun_phrase


def told(graph: SceneGraph) -> tuple[str, SceneGraph]:
    """Words for the graph, relation by relation, and the graph with the span of each object where it is first
    said. Denied parts are left out and have no span.

    "a man", riding, "a brown horse" -> "a man riding a brown horse".
    """
    telling = _Telling(graph)
    return telling.text, replace(graph, nodes=tuple(telling.nodes))


class _Telling:
    """Says each relation, then the objects that have none."""

    def __init__(self, graph: SceneGraph) -> None:
        self.text = ""
        self.nodes = [replace(node, span=None) for node in graph.nodes]
        for edge in graph.edges:
            ends = (edge.subject, edge.object)
            if edge.negated or any(graph.nodes[end].negated for end in ends):
                continue
            self._say(", " if self.text else "", edge.subject)
            self._say(f" {edge.predicate} ", edge.object)
        for place, node in enumerate(graph.nodes):
            if self.nodes[place].span is None and not node.negated:
                self._say(", " if self.text else "", place)

    def _say(self, before: str, place: int) -> None:
        node = self.nodes[place]
        self.text += before
        if node.span is not None:
            self.text += f"the {node.label}"
            return
        phrase = noun_phrase(node)
        start = len(self.text) + _noun_at(phrase, node)
        self.text += phrase
        self.nodes[place] = replace(
            node, span=Span(start, min(start + len(_noun(node, phrase)), len(self.text)))
        )


def _noun(node: Node, phrase: str) -> str:
    """The form of the noun that the phrase uses."""
    return max((form for form in (node.label, node.name) if form in phrase), key=len, default=phrase)


def _noun_at(phrase: str, node: Node) -> int:
    return max(phrase.find(_noun(node, phrase)), 0)
