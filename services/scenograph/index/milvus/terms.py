"""What a filter can ask of an item's metadata, worked out when the item is written.

Milvus' own comparisons of JSON know other kinds and other rules for what is missing. So equality, membership
and presence are asked as terms: a number of 63 bits for each statement that is true of the metadata. Order
is asked of numbers and texts side by side, each under the digest of its path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from scenograph.index.filters.syntax import Scalar
from scenograph.index.milvus.schema import MAX_JSON_BYTES, MAX_TERMS
from scenograph.scene.errors import InvalidInput

Keys = tuple[str, ...]

EQUAL, MEMBER, PRESENT = "=", ":", "*"


def term(statement: str, keys: Keys, value: Scalar = None) -> int:
    """The number of a statement: something stands at a path, or a value equals it, or is a member there."""
    return int.from_bytes(_digest(statement, keys, _plain(value)), "big") >> 1


def ordered_key(keys: Keys, value: float | str) -> str:
    """Under what name the number, or the text, at a path is kept for comparisons."""
    return ("t" if isinstance(value, str) else "n") + _digest("<", keys).hex()


def searchable(metadata: dict[str, Any], field: str) -> tuple[list[int], dict[str, float | str]]:
    """An item's terms, and its values for comparisons. Errors: InvalidInput where Milvus cannot hold them."""
    terms: set[int] = set()
    ordered: dict[str, float | str] = {}
    for keys, value in _scalars(metadata, ()):
        if value is not None:
            terms.add(term(PRESENT, keys))
        if isinstance(value, (list, dict)):
            continue
        terms.add(term(EQUAL, keys, value))
        if isinstance(value, str):
            ordered[ordered_key(keys, value)] = value
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            ordered[ordered_key(keys, 0.0)] = float(value)
    terms.update(term(MEMBER, keys, value) for keys, value in _members(metadata, ()))
    if len(terms) > MAX_TERMS:
        raise InvalidInput(
            f"{len(terms)} statements for filters; an index on Milvus takes {MAX_TERMS}", field=field
        )
    if len(msgspec.json.encode(ordered)) > MAX_JSON_BYTES - 1024:
        raise InvalidInput("too many values, or too long ones, for an index on Milvus", field=field)
    return sorted(terms), ordered


def _scalars(value: dict[str, Any], keys: Keys) -> Iterator[tuple[Keys, Any]]:
    """What stands at each path through objects alone."""
    for key, inner in value.items():
        yield (*keys, key), inner
        if isinstance(inner, dict):
            yield from _scalars(inner, (*keys, key))


def _members(value: Any, keys: Keys) -> Iterator[tuple[Keys, Scalar]]:
    """Each member at each path, lists on the way looked through."""
    if isinstance(value, list):
        for element in value:
            yield from _members(element, keys)
    elif isinstance(value, dict):
        for key, inner in value.items():
            path = (*keys, key)
            if isinstance(inner, list):
                yield from ((path, one) for one in inner if not isinstance(one, (list, dict)))
            elif isinstance(inner, dict):
                yield from ((path, name) for name in inner)
            else:
                yield path, inner
            yield from _members(inner, path)


def _plain(value: Scalar) -> list[str]:
    """A value so that two are alike exactly where a filter's `=` finds them equal."""
    if value is None:
        return ["null"]
    if isinstance(value, bool):
        return ["bool", str(value)]
    if isinstance(value, (int, float)):
        return ["number", repr(float(value) + 0.0)]  # minus zero is zero
    return ["text", value]


def _digest(*parts: object) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=8).digest()
