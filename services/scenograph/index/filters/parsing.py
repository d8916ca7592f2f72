"""From filter text to its tree, with positions in the errors."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as FilePath
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args

from scenograph.index.filters.syntax import All, Any, Compare, Filter, Has, Not, Path, Present, Scalar
from scenograph.scene.errors import InvalidFilter

MAX_FILTER_CHARS = 4096
MAX_FILTER_DEPTH = 32

EXPECTED = {
    "NAME": "a field",
    "STRING": "a quoted string",
    "NUMBER": "a number",
    "OPERATOR": "= != < <= > >=",
    "COLON": "':'",
    "DOT": "'.'",
    "STAR": "'*'",
    "LPAR": "'('",
    "RPAR": "')'",
    "TRUE": "true",
    "FALSE": "false",
    "NULL": "null",
    "$END": "the end",
}


@lru_cache(maxsize=256)
def parse_filter(text: str) -> Filter | None:
    """The tree of a filter text; None for an empty one.

    Errors: InvalidFilter with the 0-based position (code points) and what was expected there.
    """
    if len(text) > MAX_FILTER_CHARS:
        message = f"the filter has {len(text)} characters; at most {MAX_FILTER_CHARS} are allowed"
        raise InvalidFilter(message, position=MAX_FILTER_CHARS)
    if not text.strip():
        return None
    try:
        built = cast(_Part, _grammar().parse(text))
    except UnexpectedInput as error:
        raise _fault(error, text) from None
    return built.filter


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    text = FilePath(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="contextual", transformer=_Builder())


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the tree, how deep it is, and where it begins in the text."""

    filter: Filter
    depth: int
    position: int


@v_args(inline=True)
class _Builder(Transformer[Token, _Part]):
    """Builds the tree from the bottom while lark parses, so that no text can nest too deeply for Python's
    stack.
    """

    def start(self, part: _Part) -> _Part:
        return part

    def unit(self, part: _Part) -> _Part:
        return part

    def negation(self, word: Token, part: _Part) -> _Part:
        return _over(Not(part.filter), part.depth, word.start_pos or 0)

    def all(self, *parts: _Part) -> _Part:
        depth = max(part.depth for part in parts)
        return _over(All(tuple(part.filter for part in parts)), depth, parts[0].position)

    def any(self, *parts: _Part) -> _Part:
        depth = max(part.depth for part in parts)
        return _over(Any(tuple(part.filter for part in parts)), depth, parts[0].position)

    def compare(self, path: Path, operator: Token, value: Token) -> _Part:
        position = operator.start_pos or 0
        literal = _literal(value)
        if path.item_id:
            _need_text(literal, value)
        if operator not in ("=", "!=") and (literal is None or isinstance(literal, bool)):
            raise InvalidFilter(f"{value} has no order: use = or !=", position=position)
        return _Part(Compare(path, str(operator), literal), 1, position)

    def has(self, path: Path, value: Token) -> _Part:
        literal = _literal(value)
        if path.item_id:
            _need_text(literal, value)
            return _Part(Compare(path, "=", literal), 1, value.start_pos or 0)
        return _Part(Has(path, literal), 1, value.start_pos or 0)

    def present(self, path: Path) -> _Part:
        return _Part(Present(path), 1, 0)

    def path(self, *keys: Token) -> Path:
        names = tuple(_unquoted(key) if key.type == "STRING" else str(key) for key in keys)
        return Path(names, item_id=len(keys) == 1 and keys[0].type == "NAME" and names[0] == "id")

    def value(self, token: Token) -> Token:
        return token


def _over(part: Filter, depth: int, position: int) -> _Part:
    if depth >= MAX_FILTER_DEPTH:
        raise InvalidFilter(f"nested deeper than {MAX_FILTER_DEPTH} levels", position=position)
    return _Part(part, depth + 1, position)


def _need_text(literal: Scalar, token: Token) -> None:
    if not isinstance(literal, str):
        raise InvalidFilter("an id is compared with a quoted string", position=token.start_pos or 0)


def _literal(token: Token) -> Scalar:
    if token.type == "STRING":
        return _unquoted(token)
    if token.type == "NUMBER":
        number = float(token)
        if math.isinf(number):
            raise InvalidFilter("the number is too large", position=token.start_pos or 0)
        return number
    return {"TRUE": True, "FALSE": False, "NULL": None}[token.type]


def _unquoted(token: Token) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)


def _fault(error: UnexpectedInput, text: str) -> InvalidFilter:
    if isinstance(error, UnexpectedToken):
        at_end = error.token.type == "$END"
        position = len(text) if at_end else error.token.start_pos or 0
        found, allowed = "the end" if at_end else repr(str(error.token)), error.accepts or error.expected
        if error.token.type in ("AND", "OR") and {"AND", "OR"} & set(allowed):
            return InvalidFilter(
                "AND and OR are mixed: say with parentheses which goes first", position=position
            )
    else:
        assert isinstance(error, UnexpectedCharacters)
        position, allowed = error.pos_in_stream or 0, error.allowed or set()
        found = repr(text[position : position + 12])
        if "STRING" in allowed and text[position] in "\"'":
            return InvalidFilter(
                "expected a closing quote, and only quotes or \\ after a \\", position=position
            )
        if "NUMBER" in allowed:
            return InvalidFilter(
                f"expected a quoted string, a number, true, false or null, found {found}", position=position
            )
    words = " or ".join(sorted({EXPECTED.get(name, name) for name in allowed})) or "something else"
    return InvalidFilter(f"expected {words}, found {found}", position=position)
