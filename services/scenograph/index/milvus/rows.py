"""Items as rows, and rows as items.

An item is one row of kind ITEM, a row for each entry, and rows of kind PART for what is too long of a graph.
Their primary keys begin with the item's place in the order of first writing, then the number of the write:
so that keys sort as lists go, and a new version of an item has other keys than the one before. Binary content
is base64 in text fields, graphs packed with zlib: Milvus 2.3 has no field for bytes.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, TypeAlias

import msgspec
import numpy as np

from scenograph.index.milvus.schema import MAX_LABEL_CHARS, MAX_LABELS, MAX_VARCHAR_BYTES, About, Kind
from scenograph.index.milvus.terms import searchable
from scenograph.index.records import Packed, to_time, unpack_entry, unpack_graph, unpack_metadata
from scenograph.runtime.contracts import CodeArray, FloatArray, Record
from scenograph.scene.errors import InvalidInput
from scenograph.scene.graph import SceneGraph

Row: TypeAlias = dict[str, Any]

PART_CHARS = 65_000
MAX_DIMENSION = 12_000  # whose base64 one text field holds
JOURNAL_KEYS = 1000
PARTED = "*"  # no character of base64

_BRIEF = ["pk", "kind", "item", "write", "ordinal", "text", "width", "height"]
FIELDS = {True: _BRIEF, False: [*_BRIEF, "graph", "vectors"]}
"""What is read of entries, in brief or not."""
ITEM_FIELDS = ["pk", "item", "write", "metadata", "labels", "created", "updated", "size"]


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A checked record, said in fields; `plain` has what its rows share. Made before its place is known."""

    packed: Packed
    plain: Row
    metadata: str

    @property
    def size(self) -> int:
        """About how many bytes its rows take."""
        packed, plain = self.packed, self.plain
        graphs = sum(len(graph) for graph in packed.graphs if graph is not None)
        shared = 400 + 10 * len(plain["terms"]) + 2 * len(self.metadata)
        content = sum(map(len, packed.texts)) + packed.embeddings.nbytes + graphs
        return 4 * content // 3 + shared * (len(packed.texts) + 1)


def place(write: int, position: int) -> str:
    """Where an item first written by this write, as its `position`th, stands among all: 20 characters."""
    return f"{write:016x}{position:04x}"


def ready(packed: Packed, labels: Sequence[str], field: str) -> Ready:
    """What the rows will say. Errors: InvalidInput where it is more than a row can hold."""
    terms, ordered = searchable(unpack_metadata(packed.metadata), f"{field}.metadata")
    metadata = packed.metadata.decode()
    if len(packed.metadata) > MAX_VARCHAR_BYTES:
        raise InvalidInput(f"at most {MAX_VARCHAR_BYTES} bytes on Milvus", field=f"{field}.metadata")
    for position, text in enumerate(packed.texts):
        if len(text.encode()) > MAX_VARCHAR_BYTES:
            message = f"at most {MAX_VARCHAR_BYTES} bytes on Milvus"
            raise InvalidInput(message, field=f"{field}.entries[{position}].text")
    if packed.dimension > MAX_DIMENSION:
        message = f"an embedding has at most {MAX_DIMENSION} values on Milvus"
        raise InvalidInput(message, field=f"{field}.entries")
    if len(labels) > MAX_LABELS or any(not 1 <= len(label) <= MAX_LABEL_CHARS for label in labels):
        message = f"at most {MAX_LABELS} labels of 1 to {MAX_LABEL_CHARS} characters"
        raise InvalidInput(message, field=f"{field}.access_labels")
    plain = {
        "item": packed.id,
        "open": not labels,
        "labels": list(labels),
        "terms": terms,
        "ordered": ordered,
    }
    return Ready(packed, plain, metadata)


def item_rows(ready: Ready, at: str, write: int, created_us: int, updated_us: int) -> list[Row]:
    """The rows of one version of an item."""
    packed, stem = ready.packed, f"{at}.{write:016x}"
    plain = ready.plain | {"write": write}
    rows: list[Row] = []
    for number, (modality, ordinal, graph) in enumerate(
        zip(packed.modalities, packed.ordinals, packed.graphs, strict=True)
    ):
        key = f"{stem}.{modality}.{ordinal:08x}"
        said = "" if graph is None else b64encode(zlib.compress(graph)).decode()
        parts = [said[start : start + PART_CHARS] for start in range(0, len(said), PART_CHARS)]
        if len(parts) > 1:
            said = f"{PARTED}{len(parts)}"
            rows += [
                _row(packed, plain, pk=part_key(key, i), kind=Kind.PART, text=part)
                for i, part in enumerate(parts)
            ]
        width, height = packed.sizes[number]
        rows.append(
            _row(
                packed,
                plain,
                pk=key,
                kind=Kind(modality),
                ordinal=ordinal,
                text=packed.texts[number],
                graph=said,
                vectors=pack_vectors(packed.codes[number], packed.embeddings[number]),
                width=width,
                height=height,
                code=packed.codes[number].tobytes(),
            )
        )
    size = sum(len(row["text"]) + len(row["graph"]) + len(row["vectors"]) for row in rows)
    times = {"created": created_us, "updated": updated_us}
    item = {"metadata": ready.metadata, "size": size + len(ready.metadata), **times}
    return [_row(packed, plain, pk=f"{stem}.i", kind=Kind.ITEM, **item), *rows]


def request_row(item: str, request_id: str, digest: bytes, write: int, bits: int) -> Row:
    """That a request wrote an item."""
    named = sha256(msgspec.json.encode([request_id, item])).hexdigest()[:40]
    said = {"request": request_id, "digest": digest.hex()}
    return _blank(bits) | {
        "pk": f"~{named}.{write:016x}",
        "kind": Kind.REQUEST,
        "item": item,
        "write": write,
        **said,
    }


def journal_rows(keys: Sequence[str], write: int, bits: int) -> list[Row]:
    """What a write is about to delete, for whoever must finish it."""
    parts = [keys[start : start + JOURNAL_KEYS] for start in range(0, len(keys), JOURNAL_KEYS)] or [[]]
    return [
        _blank(bits)
        | {"pk": f"#{write:016x}.{i:04x}", "kind": Kind.JOURNAL, "write": write, "text": "\n".join(part)}
        for i, part in enumerate(parts)
    ]


def version_row(version: int, dimension: int | None, born: str, bits: int) -> Row:
    """The collection's version, and what its first write has settled. The newest has the least key."""
    said = msgspec.json.encode({"born": born, "dimension": dimension}).decode()
    key = f"!{2**63 - version:016x}"
    return _blank(bits) | {"pk": key, "kind": Kind.VERSION, "write": version, "request": said}


def part_key(key: str, number: int) -> str:
    """The key of a part of an entry's graph."""
    return f"{key}.{number:04x}"


def part_keys(row: Row) -> list[str]:
    """The keys of the parts of a read entry's graph; none where the row itself holds it."""
    if not row["graph"].startswith(PARTED):
        return []
    return [part_key(row["pk"], number) for number in range(int(row["graph"][1:]))]


def read_graph(row: Row, parts: dict[str, str]) -> SceneGraph | None:
    """A read entry's graph, with the texts of its parts by key; None where it has none, or a part is gone."""
    keys = part_keys(row)
    if not all(key in parts for key in keys):
        return None
    said = "".join(parts[key] for key in keys) if keys else row["graph"]
    return unpack_graph(zlib.decompress(b64decode(said))) if said else None


def pack_vectors(code: CodeArray, embedding: FloatArray) -> str:
    """An entry's code and embedding as text: Milvus gives vectors of its own only by another query."""
    return b64encode(code.tobytes() + embedding.tobytes()).decode()


def read_vectors(rows: Sequence[Row], bits: int) -> tuple[CodeArray, FloatArray]:
    """Entries' codes and embeddings, D = 0 where they have none.  Shapes: (n, bits / 8), (n, D)."""
    raw = np.frombuffer(b"".join(b64decode(row["vectors"]) for row in rows), np.uint8).reshape(len(rows), -1)
    return raw[:, : bits // 8], np.ascontiguousarray(raw[:, bits // 8 :]).view("<f4")


def read_codes(rows: Sequence[Row], bits: int) -> CodeArray:
    """The same of the field that is searched.  Shape: (n, bits / 8)."""
    return np.frombuffer(b"".join(row["code"][0] for row in rows), np.uint8).reshape(len(rows), bits // 8)


def read_record(item: Row, entries: Sequence[Row], parts: dict[str, str], about: About) -> Record:
    """A record of its rows; what was not read of entries is left out."""
    made = []
    for row in sorted(entries, key=lambda row: (row["kind"], row["ordinal"])):
        said = (row["kind"], row["ordinal"], row["text"], row["width"], row["height"])
        vectors = b64decode(row.get("vectors", ""))
        entry = unpack_entry(said, vectors[: about.bits // 8], vectors[about.bits // 8 :], None)
        made.append(replace(entry, graph=read_graph(row, parts)) if "graph" in row else entry)
    return Record(
        item["item"],
        tuple(made),
        about.pack,
        unpack_metadata(item["metadata"].encode()),
        to_time(item["created"]),
        to_time(item["updated"]),
        tuple(item["labels"]),
    )


def newest(rows: Iterable[Row]) -> dict[str, Row]:
    """The rows of kind ITEM by item: of the newest version, where a write is under way or not finished."""
    found: dict[str, Row] = {}
    for row in rows:
        known = found.get(row["item"])
        if known is None or known["write"] < row["write"]:
            found[row["item"]] = row
    return found


def _row(packed: Packed, plain: Row, **fields: Any) -> Row:
    return _blank(packed.codes.shape[1] * 8) | plain | fields


def _blank(bits: int) -> Row:
    texts = dict.fromkeys(("pk", "item", "text", "graph", "vectors", "metadata", "request", "digest"), "")
    numbers = dict.fromkeys(("kind", "write", "ordinal", "width", "height", "created", "updated", "size"), 0)
    lists: Row = {"open": False, "labels": [], "terms": [], "ordered": {}}
    return {**texts, **numbers, **lists, "code": bytes(bits // 8)}
