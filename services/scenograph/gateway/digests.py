"""Digests of what was asked, so that equal questions share an answer and a page token fits one question
only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict

import msgspec

from scenograph.gateway.requests import (
    FusionWeights,
    ImageSource,
    Item,
    QueryPart,
    SearchRequest,
    Source,
)
from scenograph.runtime.cache.keys import cache_key
from scenograph.runtime.contracts import Collection
from scenograph.runtime.principal import current
from scenograph.scene.units import encode_units

_encode = msgspec.msgpack.Encoder(order="deterministic", enc_hook=encode_units).encode


def digest(*parts: object) -> bytes:
    """32 bytes that stand for the parts: strings, bytes, numbers, mappings, sequences and dataclasses of
    them.
    """
    return hashlib.sha256(_encode(parts)).digest()


def view_key() -> str:
    """Stands for what the caller may see: who holds the same access labels shares it; empty for all."""
    held = current().labels
    return "" if held is None else digest(sorted(held)).hex()


def collection_prefix(name: str) -> str:
    """What the keys of all that is kept of a collection's content begin with."""
    return cache_key("collection", name)[:16] + ":"


def source_digest(source: Source) -> bytes:
    """Of a query part's own content, its kind included."""
    return digest(type(source).__name__, source)


def item_digest(item: Item, content: bytes) -> bytes:
    """Of all that a caller stores; `content` is the image's file, however it arrived."""
    image = hashlib.sha256(content).digest() if item.image is not None else None
    return digest(item.id, image, item.texts, dict(item.metadata), item.access_labels, item.blur_faces)


def request_digest(request: SearchRequest) -> bytes:
    """Of a search as it was written and of what the caller may see, less what may change between its pages:
    size, token, and whether to explain.
    """
    options = asdict(request.options)
    return digest(
        request.collection,
        [(_as_written(part), float(part.weight)) for part in request.query],
        request.filter,
        int(request.returning),
        options,
        view_key(),
    )


def ranking_key(
    request: SearchRequest,
    parts: Sequence[QueryPart],
    weights: FusionWeights,
    collection: Collection,
    version: int,
    pack_version: str,
) -> str:
    """The cache key of a ranking, of all that it depends on, what the caller may see included.

    `parts` are the request's with uploads resolved, `version` is the collection's. Explanations and page
    sizes leave it as it is.
    """
    options = request.options
    query = [(source_digest(part.source), part.weight) for part in parts if part.source is not None]
    return collection_prefix(collection.name) + cache_key(
        "uncached ranking" if options.bypass_cache else "ranking",
        view_key(),
        pack_version,
        collection.name,
        collection.create_time.isoformat(),
        version,
        request.filter,
        int(request.returning),
        int(options.last_stage),
        options.coarse_candidates,
        options.graph_candidates,
        int(options.exact),
        *(weights.coarse, weights.cosine, weights.graph),
        digest(options.level_weights, options.match_weights),
        *(value for pair in query for value in pair),
    )


def _as_written(part: QueryPart) -> object:
    if isinstance(part.source, ImageSource) and part.source.upload_id:
        return ("upload", part.source.upload_id)
    return source_digest(part.source) if part.source is not None else None
