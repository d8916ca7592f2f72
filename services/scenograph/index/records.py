"""Records and the rows that keep them. Graphs are msgpack of the dataclasses, embeddings little-endian
float32, metadata JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import numpy as np

from scenograph.index.access import pack_labels
from scenograph.index.table import Rows
from scenograph.runtime.contracts import CodeArray, Entry, FloatArray, JsonValue, Modality, Record
from scenograph.scene.graph import SceneGraph
from scenograph.scene.units import decode_units, encode_units

_graph_encoder = msgspec.msgpack.Encoder(enc_hook=encode_units)
_graph_decoder = msgspec.msgpack.Decoder(SceneGraph, dec_hook=decode_units)


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """A checked record, ready to be written. codes (n, bits / 8), embeddings (n, D) with D = 0 where it has
    none.
    """

    id: str
    metadata: bytes
    labels: bytes
    texts: list[str]
    modalities: list[int]
    ordinals: list[int]
    sizes: list[tuple[int, int]]
    graphs: list[bytes | None]
    codes: CodeArray
    embeddings: FloatArray

    @property
    def dimension(self) -> int:
        """D, the embeddings' size."""
        return int(self.embeddings.shape[1])

    def rows(self, first_entry: int) -> Rows:
        """What memory keeps of it."""
        return Rows(
            np.array(self.modalities, np.uint8),
            np.array(self.ordinals, np.int32),
            np.arange(first_entry, first_entry + len(self.texts)),
            self.codes,
            self.embeddings,
            self.texts,
        )


def pack(record: Record, metadata: bytes) -> Packed:
    """The record as it is written; `checks.check_record` has passed it."""
    entries = sorted(record.entries, key=lambda entry: (entry.modality, entry.ordinal))
    embeddings = [np.zeros(0) if entry.embedding is None else entry.embedding for entry in entries]
    return Packed(
        record.id,
        metadata,
        pack_labels(record.access_labels),
        [entry.text for entry in entries],
        [int(entry.modality) for entry in entries],
        [entry.ordinal for entry in entries],
        [(entry.width, entry.height) for entry in entries],
        [None if entry.graph is None else _graph_encoder.encode(entry.graph) for entry in entries],
        np.stack([np.asarray(entry.code, np.uint8) for entry in entries]),
        np.stack(embeddings).astype("<f4"),
    )


def unpack_graph(blob: bytes | None) -> SceneGraph | None:
    """A stored graph. Errors: msgspec.DecodeError (a ValueError) where it is damaged."""
    return None if blob is None else _graph_decoder.decode(blob)


def unpack_entry(
    row: tuple[int, int, str, int, int], code: bytes, embedding: bytes, graph: bytes | None
) -> Entry:
    """An entry from (modality, ordinal, text, width, height) and its blobs; empty blobs are left out."""
    modality, ordinal, text, width, height = row
    return Entry(
        Modality(modality),
        ordinal,
        text,
        unpack_graph(graph),
        np.frombuffer(embedding, "<f4").copy() if embedding else None,
        np.frombuffer(code, np.uint8).copy() if code else None,
        width,
        height,
    )


def unpack_metadata(blob: bytes) -> dict[str, JsonValue]:
    """Stored metadata."""
    value: dict[str, JsonValue] = msgspec.json.decode(blob)
    return value


def to_time(microseconds: int) -> datetime:
    """A stored time, in UTC."""
    return datetime.fromtimestamp(microseconds / 1e6, UTC)
