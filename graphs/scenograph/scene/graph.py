"""The scene graph: what an image shows or a sentence says, as objects, attributes and relations.

One type serves images and texts. An image's nodes carry boxes, a sentence's nodes carry spans; matching
compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

from scenograph.scene.units import GraphUnits


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box in fractions of the image's width and height: 0 <= x0 < x1 <= 1, origin at the
    top left.
    """

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def area(self) -> float:
        """Fraction of the image's area that the box covers."""
        return max(0.0, self.x1 - self.x0) * max(0.0, self.y1 - self.y0)


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) of the parsed sentence, counted in Unicode code points."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """A property of an object ("red", "large") with a confidence in [0, 1]; `negated` keeps "not red"."""

    name: str
    score: float = 1.0
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """An object. `label` is the surface name ("puppies"), `lemma` its dictionary form ("puppy"; empty
    means: the label itself).

    `count` is the number said of it (0: none said). `score` in [0, 1] is the confidence that the object
    is there.
    `negated` keeps "no dog".
    """

    label: str
    lemma: str = ""
    attributes: tuple[Attribute, ...] = ()
    score: float = 1.0
    box: Box | None = None
    span: Span | None = None
    count: int = 0
    negated: bool = False

    @property
    def name(self) -> str:
        """The name to compare by: the lemma where there is one, else the label."""
        return self.lemma or self.label


@dataclass(frozen=True, slots=True)
class Edge:
    """A relation: nodes[subject] -predicate-> nodes[object]; `negated` keeps "not on"."""

    subject: int
    predicate: str
    object: int
    score: float = 1.0
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """A label of the whole image with its probability: what is there, without saying where."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class SceneGraph:
    """Objects and the relations between them. `tags` label the whole image; a sentence has none.

    `units` are the vectors by which a learned matcher compares graphs; None where no pack made them.
    Raises ValueError where an edge names a node, or a unit a node or edge, that is not there.
    """

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    tags: tuple[Tag, ...] = ()
    units: GraphUnits | None = None

    def __post_init__(self) -> None:
        size = len(self.nodes)
        for edge in self.edges:
            if not (0 <= edge.subject < size and 0 <= edge.object < size):
                raise ValueError(
                    f"edge {edge.subject} -{edge.predicate}-> {edge.object}: no such node among {size}"
                )
        if self.units is not None:
            self.units.check_places(size, len(self.edges))


@dataclass(frozen=True, slots=True)
class GraphQuery:
    """A query written as graphs: every part of `required` must be there, no part of `forbidden` may be.

    Each connected component of `forbidden` is one forbidden pattern. `optional` parts only raise the score.
    """

    required: SceneGraph = SceneGraph()
    forbidden: SceneGraph = SceneGraph()
    optional: SceneGraph = SceneGraph()
