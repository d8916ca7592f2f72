"""From graphs to query text, in an order that reads back to the same graphs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scenograph.scene.graph import Edge, GraphQuery, Node, SceneGraph
from scenograph.scene.structure import components, subgraph

_PLAIN = re.compile(r'[^\s(){}\[\],:"<>]+(?: [^\s(){}\[\],:"<>]+)*')
_LEADING = re.compile(r"(?:not|maybe)(?:[ ]|$)|[0-9]+(?: |$)", re.IGNORECASE)


def format_graph_query(query: GraphQuery) -> str:
    """The query text that parses to `query`, nodes by their `name`; boxes, spans, scores and tags get lost.

    Forbidden components come out one after another, whatever the order of their nodes.
    Errors: ValueError for a negated node.
    """
    words = {node.name for graph in (query.required, query.forbidden, query.optional) for node in graph.nodes}
    names = (name for name in (f"n{number}" for number in range(1, 10_000)) if name not in words)
    parts = _format_chains(query.required, names)
    for members in components(query.forbidden):
        chains = _format_chains(subgraph(query.forbidden, members), names)
        parts.append(f"not {chains[0]}" if len(chains) == 1 else f"not ({', '.join(chains)})")
    parts += [f"maybe {chain}" for chain in _format_chains(query.optional, names)]
    return ", ".join(parts)


def _format_text(value: str) -> str:
    if _PLAIN.fullmatch(value) and not _LEADING.match(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _format_node(node: Node, name: str | None) -> str:
    if node.negated:
        raise ValueError(f"the negated node '{node.name}' belongs among the forbidden parts")
    count = f"{node.count} " if node.count else ""
    attributes = ", ".join(
        ("not " if item.negated else "") + _format_text(item.name) for item in node.attributes
    )
    braces = f" {{{attributes}}}" if attributes else ""
    return f"({name + ': ' if name else ''}{count}{_format_text(node.name)}{braces})"


def _walks(graph: SceneGraph) -> list[list[tuple[int, Edge | None]]]:
    """Chains (node, edge to it from the one before) over the whole graph; nodes first appear in order."""
    walks: list[list[tuple[int, Edge | None]]] = []
    fresh = 0

    def declare(until: int) -> None:
        nonlocal fresh
        while fresh < until:
            walks.append([(fresh, None)])
            fresh += 1

    for edge in graph.edges:
        tail = walks[-1][-1][0] if walks else -1
        if tail in (edge.subject, edge.object):
            other = edge.object if tail == edge.subject else edge.subject
            if other <= fresh:
                walks[-1].append((other, edge))
                fresh = max(fresh, other + 1)
                continue
        low, high = sorted((edge.subject, edge.object))
        declare(low)
        if high > max(fresh, low + 1):
            declare(high)
        first, second = (low, high) if low >= fresh else (edge.subject, edge.object)
        if first >= fresh and second < fresh:
            first, second = second, first
        walks.append([(first, None), (second, edge)])
        fresh = max(fresh, high + 1)
    declare(len(graph.nodes))
    return walks


def _format_chains(graph: SceneGraph, names: Iterator[str]) -> list[str]:
    walks = _walks(graph)
    places = [index for walk in walks for index, _ in walk]
    named = {index: next(names) for index in dict.fromkeys(places) if places.count(index) > 1}
    written: set[int] = set()
    chains = []
    for walk in walks:
        text = ""
        before = -1
        for index, edge in walk:
            if edge is not None:
                predicate = ("not " if edge.negated else "") + _format_text(edge.predicate)
                forward = edge.subject == before and edge.object == index
                text += f"-[{predicate}]->" if forward else f"<-[{predicate}]-"
            text += (
                f"({named[index]})"
                if index in written
                else _format_node(graph.nodes[index], named.get(index))
            )
            written.add(index)
            before = index
        chains.append(text)
    return chains
