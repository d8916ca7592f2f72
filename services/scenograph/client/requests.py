"""From a caller's arguments to request messages: pure but for the reading of image files.

Images go inside the message until it is nearly full; the others wait in `Images.waiting` until the client has
uploaded them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from scenograph.client.arguments import (
    Candidate,
    ImageSource,
    Item,
    Part,
    QueryArguments,
    SearchArguments,
)
from scenograph.client.graphs import write_query
from scenograph.v1 import common_pb2, encoder_pb2, gateway_pb2, textual_pb2, visual_pb2

T = TypeVar("T")

INLINE_BYTES = 12 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024

_STAGES = {
    "coarse": gateway_pb2.STAGE_COARSE,
    "float": gateway_pb2.STAGE_FLOAT,
    "graph": gateway_pb2.STAGE_GRAPH,
}
_PARSERS = {"neural": textual_pb2.PARSER_NEURAL, "rules": textual_pb2.PARSER_RULES}
_MODALITIES = {"image": common_pb2.MODALITY_IMAGE, "text": common_pb2.MODALITY_TEXT}


class Images:
    """Places images in one message. `waiting` holds those that found no room, with their bytes."""

    def __init__(self) -> None:
        self._room = INLINE_BYTES
        self.waiting: list[tuple[common_pb2.Image, bytes]] = []

    def place(self, target: common_pb2.Image, source: ImageSource) -> None:
        """Fill `target` with the picture. Errors: OSError where its file cannot be read."""
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        if len(data) <= self._room:
            self._room -= len(data)
            target.content = data
        else:
            target.SetInParent()
            self.waiting.append((target, data))


def chunks(data: bytes) -> Iterator[gateway_pb2.UploadImageRequest]:
    """The pieces in which an image is uploaded."""
    for start in range(0, len(data), CHUNK_BYTES):
        yield gateway_pb2.UploadImageRequest(chunk=data[start : start + CHUNK_BYTES])


def fill_item(message: gateway_pb2.Item, item: Item, images: Images) -> None:
    """Write an item. Errors: OSError for its image file; ValueError for metadata that is not JSON."""
    message.id = item.id
    message.texts.extend(item.texts)
    message.access_labels.extend(item.access_labels)
    message.blur_faces = item.blur_faces
    if item.image is not None:
        images.place(message.image, item.image)
    try:
        message.metadata.update(dict(item.metadata))
    except (TypeError, ValueError) as error:
        raise ValueError(f"the metadata of item {item.id!r} is not JSON: {error}") from error


def batch_ingest(
    collection: str, items: Sequence[Item], request_id: str, images: Images
) -> gateway_pb2.BatchIngestRequest:
    request = gateway_pb2.BatchIngestRequest(collection=collection, request_id=request_id)
    for item in items:
        fill_item(request.items.add(), item, images)
    return request


def ingest(collection: str, item: Item, images: Images) -> gateway_pb2.IngestRequest:
    request = gateway_pb2.IngestRequest(collection=collection, request_id=item.request_id)
    fill_item(request.item, item, images)
    return request


def _parts(arguments: QueryArguments) -> list[Part]:
    plain = [
        Part(text=arguments.get("text")),
        Part(image=arguments.get("image")),
        Part(graph=arguments.get("graph")),
        Part(item_id=arguments.get("item_id")),
    ]
    return [part for part in plain if part != Part()] + list(arguments.get("parts", ()))


def fill_query(message: gateway_pb2.Query, arguments: QueryArguments, images: Images) -> None:
    """Write the query's parts. Errors: ValueError where there is none, or a part is not exactly one thing."""
    parts = _parts(arguments)
    if not parts:
        raise ValueError("a query needs a text, an image, a graph, an item_id, or parts")
    for part in parts:
        given = [name for name in ("text", "image", "graph", "item_id") if getattr(part, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"a part of a query is one of text, image, graph and item_id, not {given or 'none'}"
            )
        written = message.parts.add(weight=part.weight)
        if part.text is not None:
            written.text = part.text
        elif part.image is not None:
            images.place(written.image, part.image)
        elif isinstance(part.graph, str):
            written.graph_expression = part.graph
        elif part.graph is not None:
            written.graph.CopyFrom(write_query(part.graph))
        elif part.item_id is not None:
            written.item_id = part.item_id


def _fill_weights(
    message: gateway_pb2.FusionWeights | common_pb2.LevelWeights | common_pb2.MatchWeights,
    weights: Mapping[str, float],
) -> None:
    known = [field.name for field in message.DESCRIPTOR.fields]
    unknown = set(weights) - set(known)
    if unknown:
        raise ValueError(f"unknown weights {sorted(unknown)}; there are {' and '.join(known)}")
    message.SetInParent()
    for name, value in weights.items():
        setattr(message, name, value)


def search(
    collection: str, arguments: SearchArguments, page_token: str, images: Images
) -> gateway_pb2.SearchRequest:
    """A search's message. Errors: ValueError for a malformed query or option, OSError for an image file."""
    request = gateway_pb2.SearchRequest(
        collection=collection,
        filter=arguments.get("filter", ""),
        page_size=arguments.get("limit", 0),
        page_token=page_token,
        returning=_choice(_MODALITIES, arguments.get("returning", "image"), "returning"),
        explain=arguments.get("explain", False),
        options=gateway_pb2.RankingOptions(
            last_stage=_choice(_STAGES, arguments.get("stage", "graph"), "stage"),
            coarse_candidates=arguments.get("coarse_candidates", 0),
            graph_candidates=arguments.get("graph_candidates", 0),
            bypass_cache=arguments.get("bypass_cache", False),
            exact=arguments.get("exact", False),
        ),
    )
    if weights := arguments.get("weights"):
        _fill_weights(request.options.weights, weights)
    if level_weights := arguments.get("level_weights"):
        _fill_weights(request.options.level_weights, level_weights)
    if match_weights := arguments.get("match_weights"):
        _fill_weights(request.options.match_weights, match_weights)
    fill_query(request.query, arguments, images)
    return request


def _choice(table: Mapping[str, T], name: str, argument: str) -> T:
    if name not in table:
        raise ValueError(f"{argument} is one of {', '.join(table)}, not {name!r}")
    return table[name]


def rank(
    query: QueryArguments,
    candidates: Sequence[Candidate],
    explain: bool,
    images: Images,
    *,
    weights: Mapping[str, float] | None = None,
    level_weights: Mapping[str, float] | None = None,
    match_weights: Mapping[str, float] | None = None,
) -> gateway_pb2.RankRequest:
    request = gateway_pb2.RankRequest(explain=explain)
    if weights:
        _fill_weights(request.weights, weights)
    if level_weights:
        _fill_weights(request.level_weights, level_weights)
    if match_weights:
        _fill_weights(request.match_weights, match_weights)
    fill_query(request.query, query, images)
    for candidate in candidates:
        if (candidate.text is None) == (candidate.image is None):
            raise ValueError("a candidate is a text or an image")
        written = request.candidates.add(id=candidate.id)
        if candidate.text is not None:
            written.text = candidate.text
        elif candidate.image is not None:
            images.place(written.image, candidate.image)
    return request


def parse(texts: Sequence[str], parser: str | None) -> textual_pb2.ParseTextsRequest:
    """Errors: ValueError for a parser of another name."""
    chosen = textual_pb2.PARSER_UNSPECIFIED if parser is None else _choice(_PARSERS, parser, "parser")
    return textual_pb2.ParseTextsRequest(texts=texts, parser=chosen)


def describe(image: ImageSource) -> visual_pb2.BuildVisualGraphRequest:
    """Errors: ValueError for a file larger than a message, since uploads go to the gateway alone."""
    request, images = visual_pb2.BuildVisualGraphRequest(), Images()
    images.place(request.image, image)
    _refuse_waiting(images)
    return request


def encode_images(sources: Sequence[ImageSource]) -> encoder_pb2.EncodeImagesRequest:
    """Errors: ValueError where the files together are larger than a message."""
    request, images = encoder_pb2.EncodeImagesRequest(), Images()
    for source in sources:
        images.place(request.images.add().image, source)
    _refuse_waiting(images)
    return request


def _refuse_waiting(images: Images) -> None:
    if images.waiting:
        limit = INLINE_BYTES // 1024**2
        raise ValueError(f"images of one call may have {limit} MiB together; send fewer, or smaller ones")
