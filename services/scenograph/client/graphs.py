"""Scene graphs as a caller sees them, read from and written to messages."""

from __future__ import annotations

from dataclasses import dataclass

from scenograph.v1 import common_pb2 as pb


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box in fractions of the image's width and height, origin at the top left."""

    x0: float
    y0: float
    x1: float
    y1: float

    def __str__(self) -> str:
        return f"({self.x0:.2f}, {self.y0:.2f}, {self.x1:.2f}, {self.y1:.2f})"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) of a sentence, in Unicode code points."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """A property of an object with a confidence in [0, 1]."""

    name: str
    score: float = 1.0
    negated: bool = False

    def __str__(self) -> str:
        return f"not {self.name}" if self.negated else self.name


@dataclass(frozen=True, slots=True)
class Node:
    """An object: `label` as seen or said, `lemma` its dictionary form; `count` is 0 where none was said."""

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
        """The lemma where there is one, else the label."""
        return self.lemma or self.label

    def __str__(self) -> str:
        count = f"{self.count} " if self.count else ""
        attributes = f" {{{', '.join(map(str, self.attributes))}}}" if self.attributes else ""
        return f"{'not ' if self.negated else ''}({count}{self.name}{attributes})"


@dataclass(frozen=True, slots=True)
class Edge:
    """A relation: nodes[subject] -predicate-> nodes[object]."""

    subject: int
    predicate: str
    object: int
    score: float = 1.0
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """A label of the whole image with its probability."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class SceneGraph:
    """Objects and the relations between them; `tags` label a whole image."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    tags: tuple[Tag, ...] = ()

    def relation(self, edge: Edge) -> str:
        """An edge in words: "(man)-[riding]->(horse)"."""
        arrow = f"-[{'not ' if edge.negated else ''}{edge.predicate}]->"
        return f"{self.nodes[edge.subject]}{arrow}{self.nodes[edge.object]}"

    def __str__(self) -> str:
        joined = {index for edge in self.edges for index in (edge.subject, edge.object)}
        alone = [str(node) for index, node in enumerate(self.nodes) if index not in joined]
        return ", ".join([self.relation(edge) for edge in self.edges] + alone)


@dataclass(frozen=True, slots=True)
class GraphQuery:
    """All of `required` must be there, no component of `forbidden` may; `optional` raises the score."""

    required: SceneGraph = SceneGraph()
    forbidden: SceneGraph = SceneGraph()
    optional: SceneGraph = SceneGraph()


def read_box(message: pb.Box) -> Box:
    return Box(message.x0, message.y0, message.x1, message.y1)


def _read_node(message: pb.Node) -> Node:
    return Node(
        label=message.label,
        lemma=message.lemma,
        attributes=tuple(Attribute(a.name, a.score, a.negated) for a in message.attributes),
        score=message.score,
        box=read_box(message.box) if message.HasField("box") else None,
        span=Span(message.span.start, message.span.end) if message.HasField("span") else None,
        count=message.count,
        negated=message.negated,
    )


def read_graph(message: pb.SceneGraph) -> SceneGraph:
    return SceneGraph(
        nodes=tuple(_read_node(node) for node in message.nodes),
        edges=tuple(Edge(e.subject, e.predicate, e.object, e.score, e.negated) for e in message.edges),
        tags=tuple(Tag(tag.label, tag.score) for tag in message.tags),
    )


def write_graph(graph: SceneGraph) -> pb.SceneGraph:
    message = pb.SceneGraph()
    for node in graph.nodes:
        written = message.nodes.add(
            label=node.label, lemma=node.lemma, score=node.score, count=node.count, negated=node.negated
        )
        for item in node.attributes:
            written.attributes.add(name=item.name, score=item.score, negated=item.negated)
        if node.box is not None:
            written.box.CopyFrom(pb.Box(x0=node.box.x0, y0=node.box.y0, x1=node.box.x1, y1=node.box.y1))
        if node.span is not None:
            written.span.CopyFrom(pb.Span(start=node.span.start, end=node.span.end))
    for edge in graph.edges:
        message.edges.add(
            subject=edge.subject,
            predicate=edge.predicate,
            object=edge.object,
            score=edge.score,
            negated=edge.negated,
        )
    for tag in graph.tags:
        message.tags.add(label=tag.label, score=tag.score)
    return message


def write_query(query: GraphQuery | SceneGraph) -> pb.GraphQuery:
    """A graph query; a bare graph is wholly required."""
    if isinstance(query, SceneGraph):
        query = GraphQuery(required=query)
    return pb.GraphQuery(
        required=write_graph(query.required),
        forbidden=write_graph(query.forbidden),
        optional=write_graph(query.optional),
    )
