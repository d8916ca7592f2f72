"""The filter language: what it means, where it points when it is wrong; it equals a slow evaluator."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import ROOT

from scenograph.index.filters import matching_slots, parse_filter
from scenograph.index.filters.evaluating import Columns
from scenograph.index.filters.parsing import MAX_FILTER_CHARS
from scenograph.scene.errors import InvalidFilter

ITEMS: list[tuple[str, dict[str, Any]]] = [
    ("a", {"year": 2019, "tag": "beach", "tags": ["dog", "cat"], "camera": {"make": "Canon", "iso": 100}}),
    ("b", {"year": 2020, "tag": "city", "tags": [], "hidden": True}),
    ("c", {"year": "2020", "tags": "dog", "camera": "none", "note": None}),
    ("d", {"year": 2021.5, "tags": [1, "1", True, None, ["dog"]], "hidden": False}),
    ("e", {}),
    ("f", {"id": "a", "people": [{"name": "Ann", "age": 3}, {"name": "Bo"}], "odd key": 1, "year": -1}),
    ("é'\"\\", {"tag": 'quo"te', "n": 1e300, "line": "a\nb"}),
]


class Table:
    """The items as a filter sees them."""

    def __init__(self, items: list[tuple[str, dict[str, Any]]]) -> None:
        self.ids = [item for item, _ in items]
        self.metadata = [msgspec.json.encode(metadata) for _, metadata in items]
        self.columns = Columns()


def matching(text: str, table: Table | None = None) -> str:
    """First characters of the ids that pass."""
    table = table or Table(ITEMS)
    parsed = parse_filter(text)
    assert parsed is not None
    mask = matching_slots(parsed, table, len(table.ids))
    return "".join(table.ids[slot][0] for slot in np.flatnonzero(mask))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("year = 2020", "b"),
        ('year = "2020"', "c"),
        ("year >= 2020", "bd"),
        ("year > 2020", "d"),
        ("year < 2020", "af"),
        ("year <= 2.02e3", "abf"),
        ("year = -1", "f"),
        ("year != 2020", "acdefé"),
        ('tag = "beach"', "a"),
        ("tag = 'beach'", "a"),
        ('tag = "Beach"', ""),
        ('tag > "beach"', "bé"),
        ('tag <= "city"', "ab"),
        ('tag = "quo\\"te"', "é"),
        ("tag = 'quo\"te'", "é"),
        ('line = "a\nb"', "é"),
        ("n >= 1e300", "é"),
        ("hidden = true", "b"),
        ("hidden = false", "d"),
        ("hidden = 1", ""),
        ('hidden = "true"', ""),
        ("NOT hidden = true", "acdefé"),
        ("hidden != true", "acdefé"),
        ("note = null", "c"),
        ("note != null", "abdefé"),
        ("note:*", ""),
        ("hidden:*", "bd"),
        ("tags:*", "abcd"),
        ('tags : "dog"', "ac"),
        ("tags : 1", "d"),
        ('tags : "1"', "d"),
        ("tags : true", "d"),
        ("tags : null", "d"),
        ('tags = "dog"', "c"),
        ('camera.make = "Canon"', "a"),
        ("camera.iso < 200", "a"),
        ('camera : "make"', "a"),
        ("camera.make:*", "a"),
        ("camera:*", "ac"),
        ('people.name : "Bo"', "f"),
        ("people.age : 3", "f"),
        ('people.name = "Bo"', ""),
        ('id = "a"', "a"),
        ('id : "a"', "a"),
        ('id != "a"', "bcdefé"),
        ('id > "d"', "efé"),
        ("id:*", "abcdefé"),
        ('"id" = "a"', "f"),
        ('"odd key" = 1', "f"),
        ("'camera'.\"iso\" = 100", "a"),
        ('year >= 2020 AND tag = "city"', "b"),
        ('tag = "beach" OR tag = "city" OR year = -1', "abf"),
        ('(tag = "beach" OR tag = "city") AND year > 2019', "b"),
        ('NOT (tag = "beach" OR tag = "city")', "cdefé"),
        ("NOT NOT hidden = true", "b"),
        ('year=2020AND tag="city"', None),
        ('  year  =  2020  AND  tag="city" ', "b"),
        ("nothing = 1", ""),
        ("nothing != 1", "abcdefé"),
    ],
)
def test_what_a_filter_lets_through(text: str, ids: str | None) -> None:
    if ids is None:
        with pytest.raises(InvalidFilter):
            matching(text)
    else:
        assert matching(text) == ids


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("year", 4, "found the end"),
        ("year = ", 7, "found the end"),
        ("year = beach", 7, "quoted string"),
        ("year == 2020", 6, "quoted string"),
        ('tag = "beach', 6, "closing quote"),
        ('tag = "be\\nach"', 6, "closing quote"),
        ("year = 2020 AND", 15, "found the end"),
        ("AND year = 2020", 0, "AND"),
        ("(year = 2020", 12, "')'"),
        ("year = 2020)", 11, "')'"),
        ("a = 1 AND b = 2 OR c = 3", 16, "parentheses"),
        ("a = 1 OR b = 2 AND c = 3", 15, "parentheses"),
        ("a = 1 and b = 2", 6, "and"),
        ("hidden < true", 7, "order"),
        ("hidden >= null", 7, "order"),
        ("id = 5", 5, "quoted string"),
        ("id > 5", 5, "quoted string"),
        ("a..b = 1", 2, "field"),
        ("a.5 = 1", 2, "field"),
        ("a = 1e999", 4, "too large"),
        ("a = 1; DROP TABLE items", 5, "';"),
        ("é = 1 AND ü ~ 1", 12, "~"),
        ("NOT " * 40 + "a = 1", 32, "nested"),
        ("(" * 500 + "a = 1" + ")" * 500, None, ""),
        ("a" * (MAX_FILTER_CHARS + 1), MAX_FILTER_CHARS, "characters"),
        ("\0", 0, "field"),
    ],
)
def test_a_wrong_filter_says_where(text: str, position: int | None, says: str) -> None:
    if position is None:
        assert parse_filter(text) is not None  # parentheses alone nest nothing
        return
    with pytest.raises(InvalidFilter) as caught:
        parse_filter(text)
    assert caught.value.position == position, caught.value.message
    assert says in caught.value.message
    assert caught.value.violations[0].field == "filter"


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_filter_lets_all_through(text: str) -> None:
    assert parse_filter(text) is None


def test_the_guides_examples_hold() -> None:
    guide = (ROOT / "docs" / "guides" / "filters.md").read_text(encoding="utf-8")
    items = [msgspec.json.decode(line) for line in re.findall(r'^{"id".*$', guide, re.MULTILINE)]
    table = Table([(item["id"], item["metadata"]) for item in items])
    examples = re.findall(r"^\| `(.*)` \| ([a-d ]*)\|$", guide.split("## Examples")[1], re.MULTILINE)
    assert len(items) == 4 and len(examples) == 14
    for text, ids in examples:
        assert matching(text, table) == ids.replace(" ", ""), text


def test_columns_follow_a_growing_table() -> None:
    table = Table(ITEMS[:2])
    assert matching('tag = "beach" OR tags : "dog" OR year > 2020', table) == "a"
    for item, metadata in ITEMS[2:]:
        table.ids.append(item)
        table.metadata.append(msgspec.json.encode(metadata))
    assert matching('tag = "beach" OR tags : "dog" OR year > 2020', table) == "acd"
    parsed = parse_filter("year > 2020")
    assert parsed is not None
    assert matching_slots(parsed, table, 2).tolist() == [False, False]  # an older view, asked later


scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.5, "", "a", "b", "1"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xy"), inner, max_size=2),
    max_leaves=5,
)
documents = st.dictionaries(st.sampled_from("xyz"), values, max_size=3)
paths = st.lists(st.sampled_from("xyz"), min_size=1, max_size=3).map(".".join)


def literal(value: Any) -> str:
    return (
        {True: "true", False: "false"}[value]
        if isinstance(value, bool)
        else msgspec.json.encode(value).decode()
    )


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    path, value = draw(paths), draw(scalars)
    orders = (
        ["=", "!=", ":"]
        if value is None or isinstance(value, bool)
        else ["=", "!=", ":", "<", "<=", ">", ">="]
    )
    return draw(st.sampled_from([f"{path} {draw(st.sampled_from(orders))} {literal(value)}", f"{path}:*"]))


filters = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        inner.map(lambda part: f"NOT ({part})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: " AND ".join(f"({p})" for p in parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: " OR ".join(f"({p})" for p in parts)),
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=300)
@given(filters, st.lists(documents, max_size=6))
def test_columns_equal_a_slow_evaluator(text: str, items: list[dict[str, Any]]) -> None:
    table = Table([(str(number), metadata) for number, metadata in enumerate(items)])
    parsed = parse_filter(text)
    assert parsed is not None
    mask = matching_slots(parsed, table, len(items))
    assert mask.tolist() == [slow(parsed, metadata) for metadata in items]


def slow(part: Any, metadata: Any) -> bool:
    """One record at a time, straight from the guide's sentences."""
    match type(part).__name__:
        case "All":
            return all(slow(each, metadata) for each in part.parts)
        case "Any":
            return any(slow(each, metadata) for each in part.parts)
        case "Not":
            return not slow(part.part, metadata)
        case "Present":
            return bool(reach(metadata, part.path.keys) not in ([], [None]))
        case "Has":
            return any(alike(found, part.value) for found in members(metadata, part.path.keys))
    found = reach(metadata, part.path.keys)
    if part.operator in ("=", "!="):
        return bool(bool(found and alike(found[0], part.value)) == (part.operator == "="))
    if not found or kind(found[0]) != kind(part.value):
        return False
    left, right = found[0], part.value
    below, same = bool(left < right), bool(left == right)
    return {"<": below, "<=": below or same, ">": not below and not same, ">=": not below}[part.operator]


def reach(value: Any, keys: tuple[str, ...]) -> list[Any]:
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return []
        value = value[key]
    return [value]


def members(value: Any, keys: tuple[str, ...]) -> list[Any]:
    if isinstance(value, list):
        inner = value if keys else [one for one in value if not isinstance(one, list | dict)]
        return [found for one in inner for found in members(one, keys)]
    if keys:
        return members(value[keys[0]], keys[1:]) if isinstance(value, dict) and keys[0] in value else []
    return list(value) if isinstance(value, dict) else [value]


def kind(value: Any) -> str:
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    )


def alike(left: Any, right: Any) -> bool:
    return kind(left) == kind(right) and bool(left == right)


@settings(deadline=None, max_examples=200)
@given(
    st.text(max_size=40)
    | st.lists(
        st.sampled_from(
            [
                "a",
                ".",
                "=",
                "!=",
                ":",
                "*",
                "(",
                ")",
                "AND",
                "OR",
                "NOT",
                '"x"',
                "'",
                '"',
                "1",
                "-",
                "true",
                "null",
                " ",
                "\\",
            ]
        ),
        max_size=14,
    ).map(" ".join)
)
def test_any_text_parses_or_says_where(text: str) -> None:
    try:
        parse_filter(text)
    except InvalidFilter as error:
        assert 0 <= error.position <= len(text)
