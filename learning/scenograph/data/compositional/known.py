"""What is known to be true of a photograph: its caption's graph and those of its other captions."""

from __future__ import annotations

from collections.abc import Sequence

from scenograph.data.compositional.corpus import Corpus
from scenograph.data.compositional.relations import Relation
from scenograph.data.compositional.sentence import Sentence
from scenograph.scene.graph import Attribute, SceneGraph


class Known:
    """The graphs of one photograph's captions, the changed caption's first."""

    def __init__(self, graphs: Sequence[SceneGraph], corpus: Corpus) -> None:
        self._graphs = graphs
        self._corpus = corpus
        self.names = sorted({node.name for graph in graphs for node in graph.nodes})

    def near(self, name: str, limit: float) -> bool:
        """Whether any object said of the photo may be called so."""
        return any(other == name or self._corpus.similar(other, name) > limit for other in self._near(name))

    def said(self, noun: str, attribute: str) -> bool:
        """Whether the attribute, or a near one, is said of such an object."""
        similarity = self._corpus.words.attribute_similarity
        return any(
            max(similarity(attribute, item.name), similarity(item.name, attribute)) > 0
            for item in self._attributes(noun)
            if not item.negated
        )

    def denied(self, noun: str, attribute: str) -> bool:
        """Whether what some caption says of the only such object excludes the attribute."""
        if any(sum(node.name == noun for node in graph.nodes) > 1 for graph in self._graphs):
            return False
        return any(self._corpus.contradicts(attribute, item.name) for item in self._attributes(noun))

    def related(self, relation: Relation, sentence: Sentence, predicate: str) -> bool:
        """Whether a caption says this relation, or one that the tables find near, between such objects."""
        subject = sentence.graph.nodes[relation.subject].name
        target = sentence.graph.nodes[relation.object].name
        for graph in self._graphs:
            for edge in graph.edges:
                names = (graph.nodes[edge.subject].name, graph.nodes[edge.object].name)
                if names == (subject, target) and self._same(predicate, edge.predicate):
                    return True
        return False

    def _same(self, one: str, other: str) -> bool:
        return one == other or self._corpus.alike(one, other) > 0.6

    def _near(self, name: str) -> list[str]:
        kind = self._corpus.kind(name)
        return [other for other in self.names if self._corpus.kind(other) == kind]

    def _attributes(self, noun: str) -> list[Attribute]:
        nodes = [node for graph in self._graphs for node in graph.nodes if node.name == noun]
        return [item for node in nodes for item in node.attributes]
