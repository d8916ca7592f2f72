"""Compares the parts of graphs: the vocabulary where it knows two words, the pack's matcher for the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from scenograph.runtime.contracts import FloatArray
from scenograph.runtime.sessions import Arrays
from scenograph.scene.matching_lay import Compared
from scenograph.scene.matching_parts import Parts
from scenograph.scene.vocabulary import Vocabulary

Infer = Callable[[Arrays], Mapping[str, FloatArray]]
IntArray = NDArray[np.intp]
Similarities = Callable[[Sequence[str], Sequence[str]], FloatArray]


def matcher_inputs(
    description: Parts, evidence: Parts, vectors: Mapping[str, FloatArray], vocabulary: Vocabulary
) -> dict[str, NDArray[np.generic]]:
    """The matcher's inputs. An attribute of the evidence counts by the root of its probability, as a tag
    does; a denied attribute or relation is like none.

    Priors are NaN where the vocabulary is silent.  Errors: KeyError where a word has no vector.
    """
    ours = (description.names, description.attributes, description.predicates)
    theirs = (evidence.names, evidence.attributes, evidence.predicates)
    tables: tuple[Similarities, ...] = (
        vocabulary.label_similarities,
        vocabulary.attribute_similarities,
        vocabulary.predicate_similarities,
    )
    nodes, attributes, edges = (
        _compare(own, other, vectors, table) for own, other, table in zip(ours, theirs, tables, strict=True)
    )
    attributes[2][:] *= np.sqrt(np.clip(evidence.attribute_score, 0.0, 1.0))
    attributes[2][:, evidence.attribute_score <= 0] = 0.0
    edges[2][:, evidence.edge_score <= 0] = 0.0
    return {
        "query_nodes": nodes[0],
        "candidate_nodes": nodes[1],
        "node_prior": nodes[2],
        "query_attributes": attributes[0],
        "candidate_attributes": attributes[1],
        "candidate_attribute_node": evidence.attribute_node,
        "attribute_prior": attributes[2],
        "query_edges": edges[0],
        "query_edge_index": description.edge_ends,
        "candidate_edges": edges[1],
        "candidate_edge_index": evidence.edge_ends,
        "edge_prior": edges[2],
    }


def compare(inputs: Arrays, infer: Infer) -> Compared:
    """Run the matcher; where one side has no node at all there is nothing to run."""
    rows, columns = len(inputs["query_nodes"]), len(inputs["candidate_nodes"])
    if not rows or not columns:
        return Compared(
            label=np.zeros((rows, columns), np.float32),
            attribute=np.zeros((len(inputs["query_attributes"]), columns), np.float32),
            predicate=np.zeros((len(inputs["query_edges"]), len(inputs["candidate_edges"])), np.float32),
            context=np.zeros((rows, columns), np.float32),
        )
    answer = infer(inputs)
    return Compared(answer["label"], answer["attribute"], answer["predicate"], answer["context"])


def _compare(
    ours: Sequence[str], theirs: Sequence[str], vectors: Mapping[str, FloatArray], table: Similarities
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Vectors of both sides' words and the table's similarities; each distinct pair is looked up once."""
    own, own_at = _distinct(ours)
    other, other_at = _distinct(theirs)
    size = len(next(iter(vectors.values()))) if vectors else 0

    def stacked(words: Sequence[str], at: IntArray) -> FloatArray:
        if not words:
            return np.zeros((0, size), dtype=np.float32)
        return np.concatenate([vectors[word] for word in words]).reshape(len(words), size)[at]

    if own and other:
        prior = np.asarray(table(own, other), dtype=np.float32)[own_at][:, other_at]
    else:
        prior = np.zeros((len(ours), len(theirs)), dtype=np.float32)
    return stacked(own, own_at), stacked(other, other_at), prior


def _distinct(words: Sequence[str]) -> tuple[list[str], IntArray]:
    places = {word: place for place, word in enumerate(dict.fromkeys(words))}
    return list(places), np.fromiter((places[word] for word in words), dtype=np.intp, count=len(words))
