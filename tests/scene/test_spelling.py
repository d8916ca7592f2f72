"""Misspelt names: what is mended, and what is left as it is."""

from __future__ import annotations

import pytest

from scenograph.scene.parsing.spelling import Spelling
from scenograph.scene.vocabulary import Vocabulary

SPELLING = Spelling(Vocabulary.load())


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("chiar", "chair"),
        ("windshiled", "windshield"),
        ("buildiing", "building"),
        ("boquet", "bouquet"),
        ("purpl", "purple"),
        ("skiiers", "skiers"),
        ("coaat", "coat"),
    ],
)
def test_a_slip_is_mended(word: str, name: str) -> None:
    assert SPELLING.mend(word) == name


@pytest.mark.parametrize("word", ["chair", "skiers", "grout", "chia", "chiár", "b-52s", "", "eurostar"])
def test_what_is_a_name_or_like_none_or_too_short_is_left(word: str) -> None:
    assert SPELLING.mend(word) == word


def test_a_word_that_may_mean_two_names_is_left() -> None:
    vocabulary = Vocabulary.load()
    assert vocabulary.listed("plate") and vocabulary.listed("plant")
    assert SPELLING.mend("plante") == "plante"
