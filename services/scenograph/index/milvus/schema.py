"""A scenograph collection as a Milvus collection: its name, its fields, the kinds of its rows.

Rows are only ever inserted and deleted: no primary key is used twice, and nothing is updated in place.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgspec
from pymilvus import CollectionSchema, DataType, MilvusClient

from scenograph.index.limits import MAX_ID_CHARS, MAX_REQUEST_ID_CHARS
from scenograph.scene.errors import IndexFormatTooNew

FORMAT = 1
PREFIX = "scenograph_"
MAX_VARCHAR_BYTES = 65_535  # Milvus' own bounds
MAX_JSON_BYTES = 65_536
MAX_TERMS = 4096
MAX_LABELS, MAX_LABEL_CHARS = 32, 64


class Kind(IntEnum):
    """What a row is. IMAGE and TEXT are entries, numbered as their modality."""

    VERSION = 0
    IMAGE = 1
    TEXT = 2
    ITEM = 3
    PART = 4
    REQUEST = 5
    JOURNAL = 6


class About(msgspec.Struct, frozen=True):
    """What never changes of a collection; the Milvus collection's description, made along with it.

    `born` tells it from another of the same name before or after it.
    """

    pack: str
    bits: int
    created_us: int
    born: str
    format: int = FORMAT


def milvus_name(collection: str) -> str:
    """The name in Milvus, which knows no hyphens: they become capitals, which ours do not have."""
    return PREFIX + collection.replace("-", "H")


def own_name(name: str) -> str | None:
    """The collection of that name in Milvus; None where it is not one of scenograph's."""
    return name.removeprefix(PREFIX).replace("H", "-") if name.startswith(PREFIX) else None


def pack_about(about: About) -> str:
    """As a description."""
    return msgspec.json.encode(about).decode()


def unpack_about(description: str) -> About | None:
    """From a description; None where somebody else made the collection. Errors: IndexFormatTooNew."""
    try:
        about = msgspec.json.decode(description, type=About)
    except msgspec.MsgspecError:
        return None
    if about.format > FORMAT:
        raise IndexFormatTooNew(f"the collection has format {about.format}; this version knows {FORMAT}")
    return about


def collection_schema(about: About) -> CollectionSchema:
    """The fields. Every row has all of them; most are empty in most kinds."""
    schema = MilvusClient.create_schema(
        auto_id=False, enable_dynamic_field=False, description=pack_about(about)
    )

    def text(name: str, most: int, **options: Any) -> None:
        schema.add_field(name, DataType.VARCHAR, max_length=most, **options)

    text("pk", 80, is_primary=True)
    schema.add_field("kind", DataType.INT8)
    text("item", 4 * MAX_ID_CHARS)
    schema.add_field("write", DataType.INT64)
    schema.add_field("ordinal", DataType.INT32)
    text("text", MAX_VARCHAR_BYTES)
    text("graph", MAX_VARCHAR_BYTES)
    text("vectors", MAX_VARCHAR_BYTES)
    text("metadata", MAX_VARCHAR_BYTES)
    text("request", 4 * MAX_REQUEST_ID_CHARS)
    text("digest", 128)
    for name in ("width", "height"):
        schema.add_field(name, DataType.INT32)
    for name in ("created", "updated", "size"):
        schema.add_field(name, DataType.INT64)
    schema.add_field("open", DataType.BOOL)
    labels: dict[str, Any] = {"max_capacity": MAX_LABELS, "max_length": 4 * MAX_LABEL_CHARS}
    schema.add_field("labels", DataType.ARRAY, element_type=DataType.VARCHAR, **labels)
    schema.add_field("terms", DataType.ARRAY, element_type=DataType.INT64, max_capacity=MAX_TERMS)
    schema.add_field("ordered", DataType.JSON)
    schema.add_field("code", DataType.BINARY_VECTOR, dim=about.bits)
    return schema
