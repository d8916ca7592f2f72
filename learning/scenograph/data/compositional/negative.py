"""A hard negative: a caption changed in one way that makes it false of its photograph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "swap_object",
    "swap_attribute",
    "replace_object",
    "replace_attribute",
    "replace_relation",
    "add_object",
    "add_attribute",
    "negate",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Negative:
    """A changed caption: the kind of change, and the words before and after it ("" where words came)."""

    kind: Kind
    text: str
    before: str
    after: str
