"""Filters, and what somebody may see, as Milvus' boolean expressions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any as AnyValue

from scenograph.index.filters.syntax import All, Any, Compare, Filter, Has, Not, Present
from scenograph.index.milvus.schema import Kind
from scenograph.index.milvus.terms import EQUAL, MEMBER, PRESENT, ordered_key, term
from scenograph.runtime.contracts import Modality
from scenograph.runtime.principal import Principal

ALWAYS = "kind >= 0"  # Milvus takes no bare `true`


def both(*parts: str) -> str:
    """The parts that say something, all of which must hold."""
    return " and ".join(f"({part})" for part in parts if part)


def visible(principal: Principal) -> str:
    """Rows of items that somebody sees; empty: all."""
    if principal.labels is None:
        return ""
    if not principal.labels:
        return "open == true"
    return f"open == true or array_contains_any(labels, {texts(sorted(principal.labels))})"


def of_modality(modality: Modality) -> str:
    """Rows of entries on one side, or both."""
    if modality is Modality.UNSPECIFIED:
        return f"kind in [{Kind.IMAGE}, {Kind.TEXT}]"
    return f"kind == {modality}"


def of_kind(*kinds: Kind) -> str:
    """Rows of these kinds."""
    return f"kind in [{', '.join(str(int(kind)) for kind in kinds)}]"


def of_items(ids: Iterable[str]) -> str:
    """Rows of these items."""
    return f"item in {texts(ids)}"


def passing(part: Filter) -> str:
    """Rows of items that pass a filter."""
    match part:
        case All(parts):
            return " and ".join(f"({passing(each)})" for each in parts)
        case Any(parts):
            return " or ".join(f"({passing(each)})" for each in parts)
        case Not(inner):
            return f"not ({passing(inner)})"
        case Compare(path, "!=", value):
            return f"not ({passing(Compare(path, '=', value))})"
        case Compare(path, "=", value):
            if path.item_id:
                return f"item == {literal(value)}"
            return f"array_contains(terms, {term(EQUAL, path.keys, value)})"
        case Compare(path, order, value):
            if path.item_id:
                return f"item {order} {literal(value)}"
            assert isinstance(value, (float, str))
            return f'ordered["{ordered_key(path.keys, value)}"] {order} {literal(value)}'
        case Has(path, value):
            return f"array_contains(terms, {term(MEMBER, path.keys, value)})"
        case Present(path):
            return ALWAYS if path.item_id else f"array_contains(terms, {term(PRESENT, path.keys)})"


def literal(value: AnyValue) -> str:
    """A number or a text; all but plain ASCII is escaped."""
    return _quoted(value) if isinstance(value, str) else repr(float(value))


def texts(values: Iterable[str]) -> str:
    """A list of texts."""
    return f"[{', '.join(map(_quoted, values))}]"


def _quoted(text: str) -> str:
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    point = ord(character)
    if 32 <= point < 127 and character not in '"\\':
        return character
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
