"""The parse tree of a graph query as plain records, and the lark grammar that makes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer

from scenograph.scene.query.limits import MAX_COUNT, MAX_LABEL_CHARS


class Wrong(Exception):
    """A query that parses but means nothing, and where."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    position: int
    quoted: bool
    negated: bool = False


@dataclass(frozen=True, slots=True)
class NodeText:
    name: Text | None
    count: int
    label: Text
    attributes: tuple[Text, ...]

    @property
    def reference(self) -> str | None:
        """The name this may refer to: a bare single word without a name of its own."""
        plain = self.name is None and not self.label.quoted and " " not in self.label.value
        return self.label.value if plain else None


@dataclass(frozen=True, slots=True)
class Link:
    predicate: Text
    forward: bool


@dataclass(frozen=True, slots=True)
class Part:
    kind: str
    chains: tuple[tuple[NodeText | Link, ...], ...]


@lru_cache(maxsize=1)
def grammar() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=True)


class Reader(Transformer[Token, list[Part]]):
    """Turns the parse tree into records."""

    def start(self, parts: list[Part]) -> list[Part]:
        return parts

    def required(self, chains: list[Any]) -> Part:
        return Part("required", tuple(chains))

    def forbidden(self, chains: list[Any]) -> Part:
        return Part("forbidden", tuple(chains[1:]))

    def optional(self, chains: list[Any]) -> Part:
        return Part("optional", tuple(chains[1:]))

    def chain(self, items: list[Any]) -> tuple[NodeText | Link, ...]:
        return tuple(items)

    def forward(self, items: list[Text]) -> Link:
        return Link(items[0], forward=True)

    def backward(self, items: list[Text]) -> Link:
        return Link(items[0], forward=False)

    def predicate(self, items: list[Any]) -> Text:
        return _text(items[1:], negated=items[0] is not None)

    def attribute(self, items: list[Any]) -> Text:
        return _text(items[1:], negated=items[0] is not None)

    def label(self, items: list[Token]) -> Text:
        return _text(items)

    def name(self, items: list[Token]) -> Text:
        return _text(items)

    def attributes(self, items: list[Text]) -> tuple[Text, ...]:
        return tuple(items)

    def node(self, items: list[Any]) -> NodeText:
        name, count, label, attributes = items
        # A long row of digits is refused before int() reads it.
        number = 0 if count is None else int(count) if len(count) < 7 else MAX_COUNT + 1
        if count is not None and not 1 <= number <= MAX_COUNT:
            raise Wrong(f"a count must be from 1 to {MAX_COUNT}", count.start_pos or 0)
        return NodeText(name, number, label, attributes or ())


def _text(tokens: list[Token], *, negated: bool = False) -> Text:
    first = tokens[0]
    position = first.start_pos or 0
    quoted = first.type == "QUOTED"
    value = re.sub(r"\\(.)", r"\1", first[1:-1], flags=re.DOTALL) if quoted else " ".join(tokens)
    if not value.strip():
        raise Wrong("expected a word inside the quotes", position)
    if len(value) > MAX_LABEL_CHARS:
        raise Wrong(f"a text of {len(value)} characters; at most {MAX_LABEL_CHARS} are allowed", position)
    return Text(value, position, quoted, negated)
