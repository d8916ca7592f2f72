"""Refuses requests whose lists are empty or too long before any work is done, as the protos document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from google.protobuf.message import Message

from scenograph.runtime.interceptors.around import Around, Call
from scenograph.scene.errors import ImageTooLarge, InvalidInput
from scenograph.v1.limits import MAX_UPLOAD_CHUNK_BYTES


class Size(NamedTuple):
    """How many entries a list may have."""

    least: int
    most: int


LISTS: dict[str, dict[str, Size]] = {
    "BuildVisualGraphsRequest": {"images": Size(1, 64)},
    "ParseTextsRequest": {"texts": Size(1, 1024)},
    "EncodeImagesRequest": {"images": Size(1, 64)},
    "EncodeTextsRequest": {"texts": Size(1, 1024)},
    "EncodeGraphsRequest": {"graphs": Size(1, 256)},
    "HashRequest": {"embeddings": Size(1, 4096)},
    "MatchRequest": {"candidates": Size(1, 4096)},
    "UpsertRequest": {"writes": Size(1, 1024)},
    "GetRequest": {"ids": Size(1, 1024)},
    "DeleteRequest": {"ids": Size(1, 1024)},
    "BatchIngestRequest": {"items": Size(1, 256)},
    "DeleteItemsRequest": {"ids": Size(1, 1024)},
    "SearchRequest": {"query.parts": Size(1, 8)},
    "SearchStreamRequest": {"search.query.parts": Size(1, 8)},
    "RankRequest": {"query.parts": Size(1, 8), "candidates": Size(1, 256)},
}
"""Request message -> path of a list -> its limits."""


class Validation(Around):
    """Raises InvalidInput with the list's path as the field."""

    def check(self, call: Call, request: Message) -> None:
        name = request.DESCRIPTOR.name
        for path, size in LISTS.get(name, {}).items():
            count = len(_at(request, path.split(".")))
            if not size.least <= count <= size.most:
                raise InvalidInput(f"takes {size.least} to {size.most}, {count} given", field=path)
        if name == "UploadImageRequest" and len(_at(request, ["chunk"])) > MAX_UPLOAD_CHUNK_BYTES:
            raise ImageTooLarge(f"a chunk holds at most {MAX_UPLOAD_CHUNK_BYTES} bytes", field="chunk")


def _at(message: Message, path: Iterable[str]) -> Any:
    value: Any = message
    for name in path:
        value = getattr(value, name)
    return value
