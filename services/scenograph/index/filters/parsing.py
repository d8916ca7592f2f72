"""From filter text to its tree, with positions in the errors."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any as AnyValue

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError

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
        built: Built = _Builder().transform(_grammar().parse(text))
    except UnexpectedInput as error:
        raise _fault(error, text) from None
    except VisitError as error:
        if isinstance(error.orig_exc, InvalidFilter):
            raise error.orig_exc from None
        raise
    return built[0]


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    text = FilePath(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="contextual", propagate_positions=True)


Built = tuple[Filter, int]  # a part and how deep it is


@v_args(inline=True)
class _Builder(Transformer[Token, Built]):
    """Builds the tree bottom up; every part carries its depth, so that a deep one is refused."""

    def start(self, part: Built) -> Built:
        return part

    def unit(self, part: Built) -> Built:
        return part

    @v_args(meta=True, inline=True)
    def negation(self, meta: AnyValue, part: Built) -> Built:
        return Not(part[0]), _deeper(meta, part)

    @v_args(meta=True, inline=True)
    def all(self, meta: AnyValue, *parts: Built) -> Built:
        return All(tuple(part for part, _ in parts)), _deeper(meta, *parts)

    @v_args(meta=True, inline=True)
    def any(self, meta: AnyValue, *parts: Built) -> Built:
        return Any(tuple(part for part, _ in parts)), _deeper(meta, *parts)

    def compare(self, path: Path, operator: Token, value: Token) -> Built:
        literal = _literal(value)
        if path.item_id:
            _need_text(literal, value)
        if operator not in ("=", "!=") and (literal is None or isinstance(literal, bool)):
            raise InvalidFilter(f"{value} has no order: use = or !=", position=operator.start_pos or 0)
        return Compare(path, str(operator), literal), 1

    def has(self, path: Path, value: Token) -> Built:
        literal = _literal(value)
        if path.item_id:
            _need_text(literal, value)
            return Compare(path, "=", literal), 1
        return Has(path, literal), 1

    def present(self, path: Path) -> Built:
        return Present(path), 1

    def path(self, *keys: Token) -> Path:
        names = tuple(_unquoted(key) if key.type == "STRING" else str(key) for key in keys)
        return Path(names, item_id=len(keys) == 1 and keys[0].type == "NAME" and names[0] == "id")

    def value(self, token: Token) -> Token:
        return token


def _deeper(meta: AnyValue, *parts: Built) -> int:
    depth = 1 + max(depth for _, depth in parts)
    if depth > MAX_FILTER_DEPTH:
        message = f"nested deeper than {MAX_FILTER_DEPTH} levels"
        raise InvalidFilter(message, position=meta.start_pos)
    return depth


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
