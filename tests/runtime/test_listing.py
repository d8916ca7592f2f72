"""Pages of lists in memory: each name once and in order, whatever comes and goes between the pages."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenograph.runtime.listing import page
from scenograph.scene.errors import InvalidInput, InvalidPageToken

NAMES = st.lists(st.text(min_size=1, max_size=5), unique=True).map(sorted)


def pages(names: list[str], size: int) -> list[list[str]]:
    found, token = [], ""
    while True:
        names_of_page, token = page(names, str, size, token)
        found.append(names_of_page)
        if not token:
            return found


@given(NAMES.filter(lambda names: all(name.isprintable() for name in names)), st.integers(1, 7))
def test_pages_together_are_the_list(names: list[str], size: int) -> None:
    found = pages(names, size)
    assert [name for part in found for name in part] == names
    assert all(len(part) == size for part in found[:-1]) and len(found[-1]) <= size


def test_what_comes_and_goes_between_pages_shifts_nothing() -> None:
    first, token = page(["b", "d", "f", "h"], str, 2, "")
    rest, end = page(["a", "e", "f", "h"], str, 9, token)
    assert (first, rest, end) == (["b", "d"], ["e", "f", "h"], "")


def test_a_page_without_a_size_has_a_hundred() -> None:
    names = [f"{n:04}" for n in range(1500)]
    assert len(page(names, str, 0, "")[0]) == 100
    assert len(page(names, str, 5000, "")[0]) == 1000


@pytest.mark.parametrize("token", ["x", "====", "YQ", "YQ==x", base64.b64encode(b"\xff").decode()])
def test_other_tokens_are_refused(token: str) -> None:
    with pytest.raises(InvalidPageToken):
        page(["a"], str, 1, token)


def test_less_than_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput):
        page(["a"], str, -1, "")
