"""What is refused before anything is done, with the path of the field at fault."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from scenograph.index import limits
from scenograph.runtime.contracts import (
    CODE_BITS,
    Entry,
    FloatArray,
    IndexQuery,
    Level,
    Metadata,
    Modality,
    Record,
    Write,
)
from scenograph.scene.errors import DuplicateItem, InvalidInput, PackMismatch, PermissionDenied

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def check_name(name: str, field: str) -> str:
    """A collection's or snapshot's name."""
    if not _NAME.fullmatch(name):
        rule = f"1 to {limits.MAX_NAME_CHARS} of a-z, 0-9, '-', '_', beginning with a letter or digit"
        raise InvalidInput(f"{name[:80]!r} is not a name: {rule}", field=field)
    return name


def check_pack_version(pack_version: str, field: str) -> str:
    """That a pack version is said, and of sane length."""
    if not 1 <= len(pack_version) <= 256:
        raise InvalidInput("say which pack made it, as name@version", field=field)
    return pack_version


def check_id(item: str, field: str) -> str:
    """An item's id."""
    if not 1 <= len(item) <= limits.MAX_ID_CHARS:
        raise InvalidInput(f"an id has 1 to {limits.MAX_ID_CHARS} characters, not {len(item)}", field=field)
    return _encodable(item, field)


def check_ids(ids: Sequence[str]) -> None:
    """A call's ids."""
    if not 1 <= len(ids) <= limits.MAX_CALL:
        raise InvalidInput(f"a call takes 1 to {limits.MAX_CALL} ids, not {len(ids)}", field="ids")
    for position, item in enumerate(ids):
        check_id(item, f"ids[{position}]")


def check_writes(writes: Sequence[Write]) -> None:
    """What makes a whole call wrong: its size, or one id twice."""
    if not 1 <= len(writes) <= limits.MAX_CALL:
        raise InvalidInput(f"a call takes 1 to {limits.MAX_CALL} writes, not {len(writes)}", field="writes")
    seen: dict[str, int] = {}
    for position, write in enumerate(writes):
        first = seen.setdefault(write.record.id, position)
        if first != position:
            message = f"the id {write.record.id[:80]!r} is also that of writes[{first}]"
            raise DuplicateItem(message, field=f"writes[{position}].record.id")


def check_write(write: Write, bits: int, pack_version: str, field: str) -> bytes:
    """One write; its metadata as JSON. Errors: InvalidInput, PackMismatch."""
    if len(write.request_id) > limits.MAX_REQUEST_ID_CHARS:
        message = f"a request id has at most {limits.MAX_REQUEST_ID_CHARS} characters"
        raise InvalidInput(message, field=f"{field}.request_id")
    _encodable(write.request_id, f"{field}.request_id")
    if len(write.content_digest) > 64:
        raise InvalidInput("a digest has at most 64 bytes", field=f"{field}.content_digest")
    return check_record(write.record, bits, pack_version, f"{field}.record")


def check_labels(labels: Sequence[str], held: frozenset[str] | None, field: str) -> None:
    """An item's access labels, and that who holds `held` may give them. Errors: InvalidInput,
    PermissionDenied.
    """
    if len(labels) > limits.MAX_LABELS:
        raise InvalidInput(f"{len(labels)} access labels; at most {limits.MAX_LABELS}", field=field)
    for position, label in enumerate(labels):
        if not 1 <= len(label) <= limits.MAX_LABEL_CHARS or not label.isprintable():
            rule = f"an access label has 1 to {limits.MAX_LABEL_CHARS} printable characters"
            raise InvalidInput(rule, field=f"{field}[{position}]")
    if held is not None and not held.issuperset(labels):
        raise PermissionDenied("an item gets only access labels that who stores it holds")


def check_record(record: Record, bits: int, pack_version: str, field: str) -> bytes:
    """One record; its metadata as JSON. Errors: InvalidInput, PackMismatch."""
    check_id(record.id, f"{field}.id")
    check_pack(record.pack_version, pack_version, f"{field}.pack_version")
    if not 1 <= len(record.entries) <= limits.MAX_ENTRIES:
        message = f"a record has 1 to {limits.MAX_ENTRIES} entries, not {len(record.entries)}"
        raise InvalidInput(message, field=f"{field}.entries")
    seen: set[tuple[int, int]] = set()
    for position, entry in enumerate(record.entries):
        where = f"{field}.entries[{position}]"
        _check_entry(entry, bits, where)
        if (entry.modality, entry.ordinal) in seen:
            raise InvalidInput("another entry has this modality and ordinal", field=f"{where}.ordinal")
        seen.add((entry.modality, entry.ordinal))
    sizes = {0 if entry.embedding is None else len(entry.embedding) for entry in record.entries}
    if len(sizes) > 1:
        raise InvalidInput(f"embeddings of different sizes: {sorted(sizes)}", field=f"{field}.entries")
    return pack_metadata(record.metadata, f"{field}.metadata")


def check_pack(found: str, wanted: str, field: str) -> None:
    """That codes come from the collection's pack. Errors: InvalidInput where none is said, PackMismatch."""
    check_pack_version(found, field)
    if found != wanted:
        raise PackMismatch(
            f"made by {found}, but the collection holds codes of {wanted}",
            metadata={"found": found, "wanted": wanted},
        )


def check_query(query: IndexQuery, bits: int, pack_version: str, dimension: int | None) -> None:
    """A search. Errors: InvalidInput, PackMismatch."""
    check_pack(query.pack_version, pack_version, "pack_version")
    _check_code(query.code, bits, "code", said=query.bits)
    if query.embedding is not None:
        _check_vector(query.embedding, "embedding")
        if dimension is not None and len(query.embedding) != dimension:
            message = f"the embedding has {len(query.embedding)} values; the collection's have {dimension}"
            raise InvalidInput(message, field="embedding")
    if not 0 <= query.coarse_candidates <= limits.MAX_CANDIDATES:
        message = f"0 to {limits.MAX_CANDIDATES} candidates, not {query.coarse_candidates}"
        raise InvalidInput(message, field="coarse_candidates")
    if query.with_graphs < 0:
        raise InvalidInput("less than 0", field="with_graphs")
    _check_levels(query.levels, bits, dimension)
    if query.bit_weights is not None:
        _check_bit_weights(query.bit_weights, bits)


def _check_bit_weights(weights: FloatArray, bits: int) -> None:
    if len(weights) != bits:
        raise InvalidInput(f"{len(weights)} weights for {bits} bits", field="bit_weights")
    if not np.isfinite(weights).all() or weights.min() < 0 or not weights.any():
        raise InvalidInput("weights of bits are numbers of at least 0, not all 0", field="bit_weights")


def _check_levels(levels: Sequence[Level], bits: int, dimension: int | None) -> None:
    """A search's levels; their bits may go past a short code's end."""
    if len(levels) > limits.MAX_LEVELS:
        raise InvalidInput(f"at most {limits.MAX_LEVELS}, not {len(levels)}", field="levels")
    for position, level in enumerate(levels):
        field = f"levels[{position}]"
        if not 0 <= level.start < level.stop <= (dimension or limits.MAX_EMBEDDING):
            raise InvalidInput(f"components {level.start} to {level.stop} are not there", field=field)
        if any(not 0 <= start < stop <= max(CODE_BITS) for start, stop in level.bits):
            raise InvalidInput("a range of bits is empty, or of bits that no code has", field=f"{field}.bits")
        if not math.isfinite(level.scale) or level.scale < 0:
            raise InvalidInput(
                f"a scale is a number of at least 0, not {level.scale}", field=f"{field}.scale"
            )
    if levels and not any(level.scale for level in levels):
        raise InvalidInput("the scales are all 0", field="levels")


def page_size(asked: int) -> int:
    """How many a page holds: 0 means the default, more than the maximum means the maximum."""
    if asked < 0:
        raise InvalidInput("less than 0", field="page_size")
    return min(asked or limits.DEFAULT_PAGE, limits.MAX_PAGE)


def pack_metadata(metadata: Metadata, field: str) -> bytes:
    """Metadata as JSON. Errors: InvalidInput where it is too large, too deep, or not JSON."""
    _check_json(dict(metadata), field, 0)
    try:
        packed = msgspec.json.encode(dict(metadata))
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput(f"not JSON: {error}", field=field) from error
    if len(packed) > limits.MAX_METADATA_BYTES:
        message = f"{len(packed)} bytes as JSON; at most {limits.MAX_METADATA_BYTES} are allowed"
        raise InvalidInput(message, field=field)
    return packed


def _check_json(value: Any, field: str, depth: int) -> None:
    if depth > limits.MAX_METADATA_DEPTH:
        raise InvalidInput(f"nested deeper than {limits.MAX_METADATA_DEPTH} levels", field=field)
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise InvalidInput(f"a key is not text: {key!r}", field=field)
            _check_json(inner, field, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_json(inner, field, depth + 1)
    elif isinstance(value, int | float) and not (abs(value) <= sys.float_info.max):
        raise InvalidInput("not a number that JSON can hold", field=field)
    elif not (value is None or isinstance(value, bool | int | float | str)):
        raise InvalidInput(f"{type(value).__name__} is not JSON", field=field)


def _check_entry(entry: Entry, bits: int, field: str) -> None:
    if entry.modality not in (Modality.IMAGE, Modality.TEXT):
        raise InvalidInput("an entry is an image or a text", field=f"{field}.modality")
    if not 0 <= entry.ordinal < 2**31 or (entry.modality == Modality.IMAGE and entry.ordinal):
        raise InvalidInput("0 for the image; a text's number, from 0", field=f"{field}.ordinal")
    if len(entry.text) > limits.MAX_TEXT_CHARS:
        message = f"{len(entry.text)} characters; at most {limits.MAX_TEXT_CHARS} are allowed"
        raise InvalidInput(message, field=f"{field}.text")
    _encodable(entry.text, f"{field}.text")
    for name, pixels in (("width", entry.width), ("height", entry.height)):
        if not 0 <= pixels < 2**31:
            raise InvalidInput("not a number of pixels", field=f"{field}.{name}")
    if entry.code is None:
        raise InvalidInput("an entry needs a code", field=f"{field}.code")
    _check_code(entry.code, bits, f"{field}.code")
    if entry.embedding is not None:
        _check_vector(entry.embedding, f"{field}.embedding")


def _check_code(code: np.ndarray[Any, Any], bits: int, field: str, *, said: int | None = None) -> None:
    if code.dtype != np.uint8 or code.ndim != 1:
        raise InvalidInput("a code is a vector of bytes", field=field)
    if len(code) * 8 != bits or said not in (None, bits):
        raise InvalidInput(f"{said or len(code) * 8} bits; the collection's codes have {bits}", field=field)


def _check_vector(vector: np.ndarray[Any, Any], field: str) -> None:
    if vector.ndim != 1 or not 1 <= len(vector) <= limits.MAX_EMBEDDING:
        raise InvalidInput(f"an embedding has 1 to {limits.MAX_EMBEDDING} values", field=field)
    if not np.isfinite(vector).all():
        raise InvalidInput("an embedding's values are finite numbers", field=field)


def _encodable(text: str, field: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("not valid Unicode: a lone surrogate", field=field) from error
    return text
