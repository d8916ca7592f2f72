"""From query text to graphs: names are resolved and limits kept here."""

from __future__ import annotations

from lark import ParseTree, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from scenograph.scene.errors import InvalidGraphQuery
from scenograph.scene.graph import Attribute, Edge, GraphQuery, Node, SceneGraph
from scenograph.scene.query.limits import MAX_MENTIONS, MAX_QUERY_CHARS
from scenograph.scene.query.records import Link, NodeText, Part, Reader, Wrong, grammar
from scenograph.scene.structure import components, subgraph

EXPECTED = {
    "LPAR": "'('",
    "RPAR": "')'",
    "LBRACE": "'{'",
    "RBRACE": "'}'",
    "COMMA": "','",
    "COLON": "':'",
    "NOT": "'not'",
    "MAYBE": "'maybe'",
    "COUNT": "a count",
    "WORD": "a word",
    "QUOTED": "a quoted string",
    "$END": "the end",
}


def parse_graph_query(text: str, *, field: str = "query.graph") -> GraphQuery:
    """The graphs that a query text describes.

    Errors: InvalidGraphQuery with the 0-based position (code points) and what was expected there.
    """
    if len(text) > MAX_QUERY_CHARS:
        message = f"the query has {len(text)} characters; at most {MAX_QUERY_CHARS} are allowed"
        raise InvalidGraphQuery(message, position=MAX_QUERY_CHARS, field=field)
    try:
        tree = grammar().parse(text)
        return Builder().build(_records(tree))
    except UnexpectedInput as error:
        position, expected = _fault(error, text)
        message = f"{expected}, found {_found(text, position)}"
        raise InvalidGraphQuery(message, position=position, field=field) from None
    except Wrong as wrong:
        raise InvalidGraphQuery(wrong.message, position=wrong.position, field=field) from None


def _records(tree: ParseTree) -> list[Part]:
    try:
        return Reader().transform(tree)
    except VisitError as error:
        if isinstance(error.orig_exc, Wrong):
            raise error.orig_exc from None
        raise


class _Graph:
    """One graph under construction; a name stands for one node of it."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.named: dict[str, int] = {}

    def add(self, node: Node, name: str | None) -> int:
        if name is not None and name in self.named:
            return self.named[name]
        self.nodes.append(node)
        if name is not None:
            self.named[name] = len(self.nodes) - 1
        return len(self.nodes) - 1

    def freeze(self) -> SceneGraph:
        return SceneGraph(tuple(self.nodes), tuple(self.edges))


class Builder:
    """Resolves names and makes the graphs. Forbidden parts get a graph each, joined at the end."""

    def __init__(self) -> None:
        self.definitions: dict[str, NodeText] = {}
        self.nodes = 0

    def build(self, parts: list[Part]) -> GraphQuery:
        for item in (item for part in parts for chain in part.chains for item in chain):
            if isinstance(item, NodeText) and item.name is not None:
                if item.name.value in self.definitions:
                    raise Wrong(f"the name '{item.name.value}' is given twice", item.name.position)
                self.definitions[item.name.value] = item
        graphs = {"required": _Graph(), "forbidden": _Graph(), "optional": _Graph()}
        for part in parts:
            graph = graphs[part.kind]
            if part.kind == "forbidden":
                graph.named = {}
            start = len(graph.nodes)
            for chain in part.chains:
                self._add_chain(graph, chain)
            if part.kind == "forbidden" and len(part.chains) > 1:
                members = range(start, len(graph.nodes))
                if len(components(subgraph(graph.freeze(), tuple(members)))) > 1:
                    first = part.chains[0][0]
                    assert isinstance(first, NodeText)
                    raise Wrong(
                        "a forbidden group must be connected: write 'not' for each pattern",
                        first.label.position,
                    )
        return GraphQuery(
            graphs["required"].freeze(), graphs["forbidden"].freeze(), graphs["optional"].freeze()
        )

    def _add_chain(self, graph: _Graph, chain: tuple[NodeText | Link, ...]) -> None:
        last, link = -1, None
        for item in chain:
            if isinstance(item, Link):
                link = item
                continue
            index = self._add_node(graph, item)
            if link is not None:
                subject, target = (last, index) if link.forward else (index, last)
                predicate = link.predicate
                graph.edges.append(Edge(subject, predicate.value, target, negated=predicate.negated))
            last = index

    def _add_node(self, graph: _Graph, text: NodeText) -> int:
        position = text.label.position
        self.nodes += 1
        if self.nodes > MAX_MENTIONS:
            raise Wrong(f"a query may mention at most {MAX_MENTIONS} nodes", position)
        name = text.name.value if text.name is not None else None
        if text.reference in self.definitions:
            if text.attributes or text.count:
                raise Wrong(f"'{text.reference}' is a name: describe it where it is given", position)
            name = text.reference
            text = self.definitions[text.label.value]
        attributes = tuple(
            Attribute(attribute.value, negated=attribute.negated) for attribute in text.attributes
        )
        return graph.add(Node(text.label.value, attributes=attributes, count=text.count), name)


def _fault(error: UnexpectedInput, text: str) -> tuple[int, str]:
    if isinstance(error, UnexpectedCharacters):
        position = error.pos_in_stream or 0
    elif isinstance(error, UnexpectedToken) and error.token.type != "$END":
        position = error.token.start_pos or 0
    else:
        position = len(text)
    allowed = _accepted(text[:position])
    if "QUOTED" in allowed and text[position : position + 1] == '"':
        return position, "expected a closing quote"
    if "LPAR" in allowed and "MAYBE" in allowed:
        return position, "expected a node such as (dog), 'not' or 'maybe'"
    words = sorted({EXPECTED.get(name) or _literal(name) for name in allowed})
    return position, "expected " + (" or ".join(words) if words else "something else")


def _accepted(text: str) -> set[str]:
    """The terminals that may follow a sound beginning of a query."""
    state = grammar().parse_interactive(text)
    try:
        state.exhaust_lexer()
    except UnexpectedInput:  # a count cut off from the blank after it
        return set()
    accepted: set[str] = state.accepts()  # type: ignore[no-untyped-call]
    return accepted


def _literal(terminal: str) -> str:
    """The characters of an anonymous terminal ("]->")."""
    for definition in grammar().terminals:
        if definition.name == terminal:
            return f"'{definition.pattern.value}'"
    return terminal


def _found(text: str, position: int) -> str:
    return f"{text[position : position + 12]!r}" if position < len(text) else "the end"
