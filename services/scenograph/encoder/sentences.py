"""What a scene graph says, as a sentence for the text encoder."""

from __future__ import annotations

from scenograph.scene.graph import Edge, Node, SceneGraph

_ARTICLES = ("a ", "an ", "the ")


def graph_sentence(graph: SceneGraph) -> str:
    """All that the graph affirms: its relations, then the things that stand in none.

    "a dog on a red sofa, a man riding a horse, a tree". Empty where nothing is affirmed.
    """
    edges = [edge for edge in graph.edges if not edge.negated]
    told = {end for edge in edges for end in (edge.subject, edge.object)}
    alone = [node for place, node in enumerate(graph.nodes) if place not in told and not node.negated]
    return ", ".join([*(edge_phrase(graph, edge) for edge in edges), *map(node_phrase, alone)])


def node_phrase(node: Node) -> str:
    """The label with what is affirmed of it: "a red sofa", "2 dogs", "puppies"."""
    words = [attribute.name for attribute in node.attributes if not attribute.negated]
    phrase = " ".join([*words, node.label])
    if node.count > 1:
        return f"{node.count} {phrase}"
    plural = node.label != node.name
    return phrase if plural or phrase.startswith(_ARTICLES) else f"a {phrase}"


def edge_phrase(graph: SceneGraph, edge: Edge) -> str:
    """The relation with both its ends: "a dog on a red sofa"."""
    subject, target = graph.nodes[edge.subject], graph.nodes[edge.object]
    return f"{node_phrase(subject)} {edge.predicate} {node_phrase(target)}"
