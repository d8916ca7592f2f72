"""What a filter says, as a tree of small values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = "bool | float | str | None"


@dataclass(frozen=True, slots=True)
class Path:
    """Where in the metadata to look, key by key; `item_id` means the item's id instead."""

    keys: tuple[str, ...]
    item_id: bool = False


@dataclass(frozen=True, slots=True)
class Compare:
    """The value at `path` against a literal: one of = != < <= > >=."""

    path: Path
    operator: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class Has:
    """The list at `path` contains the literal, the object there has it as a key, or the value there equals
    it.
    """

    path: Path
    value: Scalar


@dataclass(frozen=True, slots=True)
class Present:
    """Something other than null is at `path`."""

    path: Path


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Filter


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part holds."""

    parts: tuple[Filter, ...]


Filter: TypeAlias = Compare | Has | Present | Not | All | Any
