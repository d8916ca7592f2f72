"""Digests of what was asked, so that equal questions share an answer and a page token fits one question
only.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict

import msgspec

from scenograph.gateway.requests import ImageSource, Item, QueryPart, SearchRequest, Source

_encode = msgspec.msgpack.Encoder(order="deterministic").encode


def digest(*parts: object) -> bytes:
    """32 bytes that stand for the parts: strings, bytes, numbers, mappings, sequences and dataclasses of
    them.
    """
    return hashlib.sha256(_encode(parts)).digest()


def source_digest(source: Source) -> bytes:
    """Of a query part's own content, its kind included."""
    return digest(type(source).__name__, source)


def item_digest(item: Item, content: bytes) -> bytes:
    """Of all that a caller stores; `content` is the image's file, however it arrived."""
    image = hashlib.sha256(content).digest() if item.image is not None else None
    return digest(item.id, image, item.texts, dict(item.metadata))


def request_digest(request: SearchRequest) -> bytes:
    """Of a search as it was written, less what may change between its pages: size, token, and whether to
    explain.
    """
    options = asdict(request.options)
    return digest(
        request.collection,
        [(_as_written(part), float(part.weight)) for part in request.query],
        request.filter,
        int(request.returning),
        options,
    )


def _as_written(part: QueryPart) -> object:
    if isinstance(part.source, ImageSource) and part.source.upload_id:
        return ("upload", part.source.upload_id)
    return source_digest(part.source) if part.source is not None else None
