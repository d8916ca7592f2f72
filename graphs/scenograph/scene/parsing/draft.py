"""A scene graph while it is being read from a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field

from scenograph.scene.graph import Attribute, Edge, Node, SceneGraph, Span
from scenograph.scene.parsing.tree import Token

MAX_RELATIONS = 1_000


@dataclass(slots=True, eq=False)
class Thing:
    """An object that the sentence names, and what is said of it."""

    token: Token
    label: str
    lemma: str
    span: Span
    count: int = 0
    negated: bool = False
    attributes: dict[str, bool] = field(default_factory=dict)  # name -> negated

    def say(self, attribute: str, *, negated: bool = False) -> None:
        """Adds an attribute once."""
        if attribute and attribute != self.lemma:
            self.attributes.setdefault(attribute, negated)


@dataclass(slots=True)
class Draft:
    """Things by order of their words, and relations between them (each once)."""

    things: list[Thing] = field(default_factory=list)
    relations: dict[tuple[int, str, int], bool] = field(default_factory=dict)

    def relate(
        self,
        subject: Thing,
        predicate: str,
        target: Thing,
        *,
        negated: bool = False,
        each_other: bool = False,
    ) -> None:
        """Adds a relation; "without" is "with" something that is not there. A thing relates to itself only
        where it stands for several that are so to `each_other`.
        """
        if (subject is target and not each_other) or len(self.relations) >= MAX_RELATIONS:
            return
        if predicate.split()[-1] == "without":
            target.negated = True
            predicate = predicate.removesuffix("without") + "with"
        key = (self.things.index(subject), predicate, self.things.index(target))
        self.relations.setdefault(key, negated)

    def freeze(self) -> SceneGraph:
        """The finished graph."""
        nodes = tuple(
            Node(
                label=thing.label,
                lemma=thing.lemma,
                attributes=tuple(
                    Attribute(name, negated=negated) for name, negated in thing.attributes.items()
                ),
                span=thing.span,
                count=thing.count,
                negated=thing.negated,
            )
            for thing in self.things
        )
        edges = tuple(
            Edge(subject, predicate, target, negated=negated)
            for (subject, predicate, target), negated in self.relations.items()
        )
        return SceneGraph(nodes, edges)
