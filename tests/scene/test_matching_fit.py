"""Whether a pattern's free nodes fit, against trying everything."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from scenograph.scene.matching_hard import _all_fit

TAGS = 4


@given(st.lists(st.lists(st.integers(0, 6), max_size=4, unique=True), max_size=5))
def test_fitting_agrees_with_trying_everything(options: list[list[int]]) -> None:
    def apart(columns: tuple[int, ...]) -> bool:
        nodes = [column for column in columns if column < TAGS]
        return len(nodes) == len(set(nodes))

    assert _all_fit(options, TAGS) == any(apart(columns) for columns in product(*options))


def test_many_alike_are_told_apart_at_once() -> None:
    assert not _all_fit([list(range(30))] * 31, 30)
    assert _all_fit([list(range(30))] * 30, 30)
