"""Requests are checked here, before any work is done for them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import msgspec

from scenograph.gateway import limits
from scenograph.gateway.fields import bounded, check_id, check_text, counted
from scenograph.gateway.requests import (
    ExpressionSource,
    FusionWeights,
    GraphSource,
    ImageSource,
    Item,
    LevelWeights,
    QueryPart,
    RankingOptions,
    RankRequest,
    SearchRequest,
    Stage,
    StoredSource,
    TextSource,
)
from scenograph.index.checks import check_labels
from scenograph.runtime.checks import check_weights
from scenograph.runtime.contracts import MatchWeights, Modality
from scenograph.runtime.principal import current
from scenograph.scene.errors import DuplicateItem, InvalidInput
from scenograph.scene.graph import GraphQuery, Node
from scenograph.scene.query import MAX_LABEL_CHARS


def check_search(request: SearchRequest) -> SearchRequest:
    """The request with its defaults filled in. Raises InvalidInput naming the field at fault."""
    if not request.collection:
        raise InvalidInput("a search needs a collection", field="collection")
    return replace(
        request,
        query=check_query(request.query),
        page_size=bounded(
            request.page_size, default=limits.DEFAULT_HITS, most=limits.MAX_HITS, field="page_size"
        ),
        returning=request.returning or Modality.IMAGE,
        options=check_options(request.options),
    )


def check_rank(request: RankRequest) -> RankRequest:
    """The request with its defaults filled in. Raises InvalidInput naming the field at fault."""
    query = check_query(request.query)
    for position, part in enumerate(query):
        if isinstance(part.source, StoredSource):
            raise InvalidInput(
                "Rank knows no collection, so it takes no item_id", field=f"query.parts[{position}].item_id"
            )
    counted(len(request.candidates), most=limits.MAX_RANK_CANDIDATES, what="candidates", field="candidates")
    for position, candidate in enumerate(request.candidates):
        field = f"candidates[{position}]"
        if candidate.content is None:
            raise InvalidInput("a candidate is a text or an image", field=field)
        if isinstance(candidate.content, TextSource):
            check_text(candidate.content.text, most=limits.MAX_TEXT_CHARS, field=f"{field}.text")
        else:
            check_image(candidate.content, field=f"{field}.image")
    _check_all_weights(request.weights, request.level_weights, request.match_weights, prefix="")
    return replace(request, query=query)


def check_query(parts: Sequence[QueryPart]) -> tuple[QueryPart, ...]:
    """The parts with a weight of 0 read as 1."""
    counted(len(parts), most=limits.MAX_QUERY_PARTS, what="query parts", field="query.parts")
    for position, part in enumerate(parts):
        _check_part(part, f"query.parts[{position}]")
    return tuple(replace(part, weight=part.weight or 1.0) for part in parts)


def _check_part(part: QueryPart, field: str) -> None:
    if not math.isfinite(part.weight) or part.weight < 0:
        raise InvalidInput(f"a weight is a number of at least 0, not {part.weight}", field=f"{field}.weight")
    match part.source:
        case None:
            raise InvalidInput("a query part is a text, an image, a graph or an item", field=field)
        case TextSource(text):
            check_text(text, most=limits.MAX_TEXT_CHARS, field=f"{field}.text")
        case ImageSource():
            check_image(part.source, field=f"{field}.image")
        case GraphSource(graph):
            check_graph(graph, field=f"{field}.graph")
        case ExpressionSource(expression):
            if not expression.strip():
                raise InvalidInput("the expression is empty", field=f"{field}.graph_expression")
        case StoredSource(item_id):
            check_id(item_id, most=limits.MAX_ID_CHARS, field=f"{field}.item_id")


def check_graph(query: GraphQuery, *, field: str) -> None:
    """Raises InvalidInput where a graph query asks for nothing or is larger than the language allows."""
    graphs = (query.required, query.forbidden, query.optional)
    nodes = sum(len(graph.nodes) for graph in graphs)
    if not nodes:
        raise InvalidInput("the graph has no nodes", field=field)
    if nodes > limits.MAX_QUERY_NODES:
        raise InvalidInput(
            f"the graph has {nodes} nodes; at most {limits.MAX_QUERY_NODES} are allowed", field=field
        )
    for name, graph in zip(("required", "forbidden", "optional"), graphs, strict=True):
        for place, node in enumerate(graph.nodes):
            _check_node(node, f"{field}.{name}.nodes[{place}]")
        for place, edge in enumerate(graph.edges):
            _check_name(edge.predicate, f"{field}.{name}.edges[{place}].predicate")
            _check_score(edge.score, f"{field}.{name}.edges[{place}].score")
    edges = sum(len(graph.edges) for graph in graphs)
    if edges > limits.MAX_QUERY_EDGES:
        raise InvalidInput(
            f"the graph has {edges} edges; at most {limits.MAX_QUERY_EDGES} are allowed", field=field
        )


def _check_node(node: Node, field: str) -> None:
    _check_name(node.label, f"{field}.label")
    _check_score(node.score, f"{field}.score")
    if len(node.lemma) > MAX_LABEL_CHARS:
        raise InvalidInput(f"a name has at most {MAX_LABEL_CHARS} characters", field=f"{field}.lemma")
    if len(node.attributes) > limits.MAX_NODE_ATTRIBUTES:
        raise InvalidInput(
            f"a node has at most {limits.MAX_NODE_ATTRIBUTES} attributes", field=f"{field}.attributes"
        )
    for place, attribute in enumerate(node.attributes):
        _check_name(attribute.name, f"{field}.attributes[{place}].name")
        _check_score(attribute.score, f"{field}.attributes[{place}].score")


def _check_name(name: str, field: str) -> None:
    if not name.strip() or len(name) > MAX_LABEL_CHARS:
        raise InvalidInput(f"a name has 1 to {MAX_LABEL_CHARS} characters", field=field)


def _check_score(score: float, field: str) -> None:
    if not 0 <= score <= 1:
        raise InvalidInput(f"a score is in [0, 1], not {score}", field=field)


def check_request_id(request_id: str) -> None:
    """Raises InvalidInput where a request id is too long."""
    if len(request_id) > limits.MAX_REQUEST_ID_CHARS:
        raise InvalidInput(
            f"a request id has at most {limits.MAX_REQUEST_ID_CHARS} characters", field="request_id"
        )


def check_image(image: ImageSource, *, field: str) -> None:
    """Raises InvalidInput where an image has neither bytes nor an upload."""
    if not image.content and not image.upload_id:
        raise InvalidInput("the image is empty", field=field)


def check_options(options: RankingOptions) -> RankingOptions:
    """The options with their defaults filled in."""
    _check_all_weights(options.weights, options.level_weights, options.match_weights, prefix="options.")
    return replace(
        options,
        last_stage=options.last_stage or Stage.GRAPH,
        coarse_candidates=bounded(
            options.coarse_candidates,
            default=limits.DEFAULT_COARSE,
            most=limits.MAX_COARSE,
            field="options.coarse_candidates",
        ),
        graph_candidates=bounded(
            options.graph_candidates,
            default=limits.DEFAULT_GRAPH,
            most=limits.MAX_GRAPH,
            field="options.graph_candidates",
        ),
    )


def _check_all_weights(
    fusion: FusionWeights | None,
    levels: LevelWeights | None,
    match: MatchWeights | None,
    *,
    prefix: str,
) -> None:
    """Raises InvalidInput where a weight is negative or no number, or all of a kind are 0."""
    for name, weights in (("weights", fusion), ("level_weights", levels), ("match_weights", match)):
        if weights is not None:
            check_weights(asdict(weights), f"{prefix}{name}")


def check_item(item: Item, request_id: str = "") -> None:
    """Raises InvalidInput where an item cannot be stored, PermissionDenied where the caller may not give its
    access labels; the field at fault is named within the item ("texts[2]").
    """
    check_id(item.id, most=limits.MAX_ID_CHARS, field="id")
    check_request_id(request_id)
    if item.image is None and not item.texts:
        raise InvalidInput("an item has an image, texts, or both", field="image")
    if item.image is not None:
        check_image(item.image, field="image")
    if len(item.texts) > limits.MAX_TEXTS:
        raise InvalidInput(f"{len(item.texts)} texts; at most {limits.MAX_TEXTS} are allowed", field="texts")
    for position, text in enumerate(item.texts):
        check_text(text, most=limits.MAX_TEXT_CHARS, field=f"texts[{position}]")
    check_labels(item.access_labels, current().labels, "access_labels")
    if not _finite(item.metadata):
        raise InvalidInput("numbers in metadata are finite", field="metadata")
    size = len(msgspec.json.encode(item.metadata))
    if size > limits.MAX_METADATA_BYTES:
        raise InvalidInput(
            f"the metadata has {size} bytes as JSON; at most {limits.MAX_METADATA_BYTES} are allowed",
            field="metadata",
        )


def _finite(value: object) -> bool:
    match value:
        case float():
            return math.isfinite(value)
        case list():
            return all(map(_finite, value))
        case Mapping():
            return all(map(_finite, value.values()))
    return True


def check_unique(items: Sequence[Item]) -> None:
    """Raises DuplicateItem naming both positions where two items of a batch have one id."""
    seen: dict[str, int] = {}
    for position, item in enumerate(items):
        first = seen.setdefault(item.id, position)
        if first != position:
            raise DuplicateItem(
                f"items {first} and {position} have the same id {item.id!r}",
                field=f"items[{position}].id",
                metadata={"first": str(first), "second": str(position)},
            )
