"""A laid match in words: what met what, what was not met."""

from __future__ import annotations

from scenograph.scene.alignment import EdgeMatch, NodeMatch
from scenograph.scene.graph import Edge, Node, SceneGraph
from scenograph.scene.matching_lay import NOBODY, Laid

MET = 0.4  # credit from which a part counts as met in words


def thing_words(node: Node) -> str:
    """ "red sofa"; "two dogs" as "2 dog"."""
    said = [str(node.count)] if node.count > 1 else []
    said += [f"not {item.name}" if item.negated else item.name for item in node.attributes]
    return " ".join([*said, node.name])


def relation_words(graph: SceneGraph, edge: Edge) -> str:
    """ "dog on sofa"."""
    return f"{graph.nodes[edge.subject].name} {edge.predicate} {graph.nodes[edge.object].name}"


def pattern_words(graph: SceneGraph) -> str:
    """A small graph in words: its relations, then the nodes without any."""
    bound = {end for edge in graph.edges for end in (edge.subject, edge.object)}
    said = [relation_words(graph, edge) for edge in graph.edges]
    said += [thing_words(node) for place, node in enumerate(graph.nodes) if place not in bound]
    return ", ".join(said)


def node_matches(description: SceneGraph, evidence: SceneGraph, laid: Laid) -> tuple[NodeMatch, ...]:
    """The description's objects that were met. A tag of the evidence is candidate -1."""
    found = []
    credits = iter(laid.attribute_credit)
    for place, node in enumerate(description.nodes):
        attributes = [(item.name, next(credits)) for item in node.attributes]
        other = laid.node[place]
        if other == NOBODY or laid.node_credit[place] < MET or node.negated:
            continue
        seen = evidence.nodes[other] if other < len(evidence.nodes) else None
        label = seen.name if seen else evidence.tags[other - len(evidence.nodes)].label
        found.append(
            NodeMatch(
                query_node=place,
                candidate_node=other if seen else NOBODY,
                query_label=node.name,
                candidate_label=label,
                similarity=round(laid.node_credit[place], 4),
                attributes_matched=tuple(name for name, credit in attributes if credit >= MET),
                attributes_unmatched=tuple(name for name, credit in attributes if credit < MET),
                box=seen.box if seen else None,
            )
        )
    return tuple(found)


def edge_matches(
    description: SceneGraph, evidence: SceneGraph, laid: Laid, sources: tuple[int, ...]
) -> tuple[EdgeMatch, ...]:
    """The description's relations that were met. `sources`: the edge behind each laid edge."""
    found = []
    for place, edge in enumerate(description.edges):
        if laid.edge[place] == NOBODY or laid.edge_credit[place] < MET or edge.negated:
            continue
        other = sources[laid.edge[place]]
        found.append(
            EdgeMatch(
                query_edge=place,
                candidate_edge=other,
                query_relation=relation_words(description, edge),
                candidate_relation=relation_words(evidence, evidence.edges[other]),
                similarity=round(laid.edge_credit[place], 4),
            )
        )
    return tuple(found)


def unmatched(description: SceneGraph, laid: Laid) -> tuple[str, ...]:
    """The description's parts that were not met: objects, attributes of objects that were met, relations."""
    said: list[str] = []
    credits = iter(laid.attribute_credit)
    for place, node in enumerate(description.nodes):
        missing = [item.name for item in node.attributes if next(credits) < MET and not item.negated]
        if node.negated:
            continue
        if laid.node[place] == NOBODY or laid.node_credit[place] < MET:
            said.append(thing_words(node))
        elif missing:
            said.append(" ".join([*missing, node.name]))
    said += [
        relation_words(description, edge)
        for place, edge in enumerate(description.edges)
        if laid.edge_credit[place] < MET and not edge.negated
    ]
    return tuple(dict.fromkeys(said))


def swap_nodes(
    matches: tuple[NodeMatch, ...], query: SceneGraph, candidate: SceneGraph
) -> tuple[NodeMatch, ...]:
    """Matches with the query as evidence, told from the query's side; those with its tags fall out."""
    return tuple(
        NodeMatch(
            query_node=match.candidate_node,
            candidate_node=match.query_node,
            query_label=match.candidate_label,
            candidate_label=match.query_label,
            similarity=match.similarity,
            attributes_matched=match.attributes_matched,
            box=candidate.nodes[match.query_node].box,
        )
        for match in sorted(matches, key=lambda match: match.candidate_node)
        if match.candidate_node != NOBODY
    )


def swap_edges(matches: tuple[EdgeMatch, ...]) -> tuple[EdgeMatch, ...]:
    """Relation matches told from the other side."""
    return tuple(
        EdgeMatch(m.candidate_edge, m.query_edge, m.candidate_relation, m.query_relation, m.similarity)
        for m in sorted(matches, key=lambda match: match.candidate_edge)
    )
