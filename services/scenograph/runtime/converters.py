"""Protobuf <-> domain, for the types that every service shares. Services add their own in their
`converters.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import numpy as np
from google.protobuf import struct_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from scenograph.runtime.contracts import (
    CodeArray,
    Collection,
    FloatArray,
    ImageFeatures,
    JsonValue,
    MatchWeights,
    Metadata,
    SearchIndex,
    Timings,
)
from scenograph.scene.alignment import Alignment, EdgeMatch, NodeMatch
from scenograph.scene.errors import InvalidInput
from scenograph.scene.graph import Attribute, Box, Edge, GraphQuery, Node, SceneGraph, Span, Tag
from scenograph.scene.units import GraphUnits
from scenograph.v1 import common_pb2 as pb
from scenograph.v1 import index_pb2

MOST_SCORE = 1.001  # a score, and what rounding adds
_EMBEDDING_VALUES = bytes([pb.Embedding.VALUES_FIELD_NUMBER << 3 | 2])  # the tag of packed numbers


def box_to_pb(box: Box) -> pb.Box:
    return pb.Box(x0=box.x0, y0=box.y0, x1=box.x1, y1=box.y1)


def box_from_pb(message: pb.Box) -> Box:
    return Box(message.x0, message.y0, message.x1, message.y1)


def _node_to_pb(node: Node) -> pb.Node:
    return pb.Node(
        label=node.label,
        lemma=node.lemma,
        attributes=[pb.Attribute(name=a.name, score=a.score, negated=a.negated) for a in node.attributes],
        score=node.score,
        box=box_to_pb(node.box) if node.box is not None else None,
        span=pb.Span(start=node.span.start, end=node.span.end) if node.span is not None else None,
        count=node.count,
        negated=node.negated,
    )


def _node_from_pb(message: pb.Node) -> Node:
    return Node(
        label=message.label,
        lemma=message.lemma,
        attributes=tuple(Attribute(a.name, a.score or 1.0, a.negated) for a in message.attributes),
        score=message.score or 1.0,
        box=box_from_pb(message.box) if message.HasField("box") else None,
        span=Span(message.span.start, message.span.end) if message.HasField("span") else None,
        count=message.count,
        negated=message.negated,
    )


def units_to_pb(units: GraphUnits) -> pb.GraphUnits:
    return pb.GraphUnits(
        dimension=units.dimension,
        vectors=units.vectors.tobytes(),
        scales=units.scales.tolist(),
        weights=units.weights.tolist(),
        kinds=units.kinds.tolist(),
        nodes=units.nodes.tolist(),
        boxes=() if units.boxes is None else units.boxes.ravel().tolist(),
    )


def units_from_pb(message: pb.GraphUnits) -> GraphUnits:
    """Errors: ValueError where the parts do not fit together, or are no numbers."""
    if not np.isfinite([*message.scales, *message.weights, *message.boxes]).all():
        raise ValueError("scales, weights and boxes of units are finite numbers")
    if message.dimension < 1:
        raise ValueError(f"unit vectors have at least 1 component, not {message.dimension}")
    return GraphUnits(
        np.frombuffer(message.vectors, np.int8).reshape(-1, message.dimension),
        np.array(message.scales, np.float32),
        np.array(message.weights, np.float32),
        np.minimum(np.maximum(np.array(message.kinds, np.int32), 0), 127),  # no kind is as large
        np.array(message.nodes, np.int32),
        np.array(message.boxes, np.float32).reshape(-1, 4) if message.boxes else None,
    )


def graph_to_pb(graph: SceneGraph, *, units: bool = True) -> pb.SceneGraph:
    """`units` False leaves them out, as in what a client is shown."""
    return pb.SceneGraph(
        nodes=[_node_to_pb(node) for node in graph.nodes],
        edges=[
            pb.Edge(
                subject=e.subject, predicate=e.predicate, object=e.object, score=e.score, negated=e.negated
            )
            for e in graph.edges
        ],
        tags=[pb.Tag(label=tag.label, score=tag.score) for tag in graph.tags],
        units=units_to_pb(graph.units) if units and graph.units is not None else None,
    )


def graph_from_pb(message: pb.SceneGraph, *, field: str = "graph", units: bool = True) -> SceneGraph:
    """A graph from its message; scores left at 0 count as 1. `units` False leaves them out.

    Raises InvalidInput where a label is empty, a score is not in [0, 1], an edge names no node, or units do
    not fit the graph.
    """
    for position, node in enumerate(message.nodes):
        if not node.label.strip():
            raise InvalidInput("a node needs a label", field=f"{field}.nodes[{position}].label")
    _check_scores(message, field)
    try:
        graph = SceneGraph(
            nodes=tuple(_node_from_pb(node) for node in message.nodes),
            edges=tuple(
                Edge(e.subject, e.predicate, e.object, e.score or 1.0, e.negated) for e in message.edges
            ),
            tags=tuple(Tag(tag.label, tag.score) for tag in message.tags),
        )
    except ValueError as error:
        raise InvalidInput(str(error), field=f"{field}.edges") from error
    if not units or not message.HasField("units"):
        return graph
    try:
        return replace(graph, units=units_from_pb(message.units))
    except ValueError as error:
        raise InvalidInput(str(error), field=f"{field}.units") from error


def _check_scores(message: pb.SceneGraph, field: str) -> None:
    """That scores are in [0, 1], but for what rounding adds, and boxes are of numbers: no NaN passes."""
    scores = {
        "nodes": [node.score for node in message.nodes],
        "edges": [edge.score for edge in message.edges],
        "tags": [tag.score for tag in message.tags],
    }
    for name, found in scores.items():
        for position, score in enumerate(found):
            if not 0.0 <= score <= MOST_SCORE:
                raise InvalidInput("a score is in [0, 1]", field=f"{field}.{name}[{position}].score")
    for position, node in enumerate(message.nodes):
        if not all(0.0 <= attribute.score <= MOST_SCORE for attribute in node.attributes):
            raise InvalidInput("a score is in [0, 1]", field=f"{field}.nodes[{position}].attributes")
        box = node.box
        if node.HasField("box") and not math.isfinite(box.x0 + box.y0 + box.x1 + box.y1):
            raise InvalidInput("a box's corners are numbers", field=f"{field}.nodes[{position}].box")


def query_to_pb(query: GraphQuery) -> pb.GraphQuery:
    return pb.GraphQuery(
        required=graph_to_pb(query.required),
        forbidden=graph_to_pb(query.forbidden),
        optional=graph_to_pb(query.optional),
    )


def query_from_pb(message: pb.GraphQuery, *, field: str = "query.graph", units: bool = True) -> GraphQuery:
    return GraphQuery(
        required=graph_from_pb(message.required, field=f"{field}.required", units=units),
        forbidden=graph_from_pb(message.forbidden, field=f"{field}.forbidden", units=units),
        optional=graph_from_pb(message.optional, field=f"{field}.optional", units=units),
    )


def match_weights_to_pb(weights: MatchWeights) -> pb.MatchWeights:
    return pb.MatchWeights(learned=weights.learned, symbolic=weights.symbolic)


def match_weights_from_pb(message: pb.MatchWeights) -> MatchWeights:
    return MatchWeights(message.learned, message.symbolic)


def embedding_to_pb(vector: FloatArray) -> pb.Embedding:
    """Read from its bytes on the wire, which are the vector's own: 40 times as fast as number by number."""
    size, length = 4 * len(vector), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    values = vector.astype("<f4", copy=False).tobytes()
    return pb.Embedding.FromString(_EMBEDDING_VALUES + length + values)


def embedding_from_pb(message: pb.Embedding) -> FloatArray:
    return np.array(message.values, dtype=np.float32)


def features_to_pb(features: ImageFeatures) -> pb.ImageFeatures:
    return pb.ImageFeatures(
        class_probabilities=features.class_probabilities.tolist(),
        object_scores=features.object_scores.tolist(),
        pooled=features.pooled.tolist(),
        detector_pooled=features.detector_pooled.tolist(),
    )


def features_from_pb(message: pb.ImageFeatures) -> ImageFeatures:
    return ImageFeatures(
        class_probabilities=np.array(message.class_probabilities, dtype=np.float32),
        object_scores=np.array(message.object_scores, dtype=np.float32),
        pooled=np.array(message.pooled, dtype=np.float32),
        detector_pooled=np.array(message.detector_pooled, dtype=np.float32),
    )


def code_to_pb(code: CodeArray, bits: int) -> pb.HashCode:
    return pb.HashCode(bits=code.tobytes(), length=bits)


def code_from_pb(message: pb.HashCode, *, field: str = "code") -> CodeArray:
    """The packed bytes. Raises InvalidInput where their number does not fit the length."""
    if len(message.bits) * 8 != message.length:
        raise InvalidInput(f"{len(message.bits)} bytes are not {message.length} bits", field=field)
    return np.frombuffer(message.bits, dtype=np.uint8).copy()


def alignment_to_pb(alignment: Alignment) -> pb.Alignment:
    return pb.Alignment(
        score=alignment.score,
        objects=alignment.objects,
        attributes=alignment.attributes,
        relations=alignment.relations,
        node_matches=[
            pb.NodeMatch(
                query_node=m.query_node,
                candidate_node=m.candidate_node,
                query_label=m.query_label,
                candidate_label=m.candidate_label,
                similarity=m.similarity,
                attributes_matched=m.attributes_matched,
                attributes_unmatched=m.attributes_unmatched,
                box=box_to_pb(m.box) if m.box is not None else None,
            )
            for m in alignment.node_matches
        ],
        edge_matches=[
            pb.EdgeMatch(
                query_edge=m.query_edge,
                candidate_edge=m.candidate_edge,
                query_relation=m.query_relation,
                candidate_relation=m.candidate_relation,
                similarity=m.similarity,
            )
            for m in alignment.edge_matches
        ],
        unmatched=alignment.unmatched,
        violations=alignment.violations,
        satisfied=alignment.satisfied,
        symbolic=alignment.symbolic,
        learned=alignment.learned,
    )


def alignment_from_pb(message: pb.Alignment) -> Alignment:
    return Alignment(
        score=message.score,
        objects=message.objects,
        attributes=message.attributes,
        relations=message.relations,
        node_matches=tuple(
            NodeMatch(
                m.query_node,
                m.candidate_node,
                m.query_label,
                m.candidate_label,
                m.similarity,
                tuple(m.attributes_matched),
                tuple(m.attributes_unmatched),
                box_from_pb(m.box) if m.HasField("box") else None,
            )
            for m in message.node_matches
        ),
        edge_matches=tuple(
            EdgeMatch(m.query_edge, m.candidate_edge, m.query_relation, m.candidate_relation, m.similarity)
            for m in message.edge_matches
        ),
        unmatched=tuple(message.unmatched),
        violations=tuple(message.violations),
        satisfied=message.satisfied,
        symbolic=message.symbolic,
        learned=message.learned if message.HasField("learned") else None,
    )


def timings_to_pb(timings: Mapping[str, float]) -> list[pb.StageTiming]:
    return [pb.StageTiming(stage=stage, milliseconds=ms) for stage, ms in timings.items()]


def timings_from_pb(messages: Iterable[pb.StageTiming]) -> Timings:
    return {message.stage: message.milliseconds for message in messages}


def metadata_to_pb(metadata: Metadata) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(dict(metadata))
    return message


def metadata_from_pb(message: struct_pb2.Struct) -> dict[str, JsonValue]:
    """What the message holds as it is, NaN included: what is refused is for the services to say."""
    return {name: _json_from_pb(value) for name, value in message.fields.items()}


def _json_from_pb(value: struct_pb2.Value) -> JsonValue:
    match value.WhichOneof("kind"):
        case "struct_value":
            return metadata_from_pb(value.struct_value)
        case "list_value":
            return [_json_from_pb(item) for item in value.list_value.values]
        case "number_value":
            return value.number_value
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def time_to_pb(time: datetime | None) -> Timestamp | None:
    if time is None:
        return None
    message = Timestamp()
    message.FromDatetime(time)
    return message


def collection_to_pb(collection: Collection) -> index_pb2.Collection:
    return index_pb2.Collection(
        name=collection.name,
        pack_version=collection.pack_version,
        bits=collection.bits,
        items=collection.items,
        entries=collection.entries,
        version=collection.version,
        create_time=time_to_pb(collection.create_time),
        search_index=search_index_to_pb(collection.search_index),
    )


def search_index_to_pb(index: SearchIndex) -> index_pb2.SearchIndex:
    return index_pb2.SearchIndex(
        kind=int(index.kind),  # type: ignore[arg-type]  # the enum's own numbers
        entries=index.entries,
        lists=index.lists,
        recall=index.recall,
        recall_at=index.recall_at,
    )
