"""Sentences for benchmarks, as many different ones as are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice, product

_WHO = ("a dog", "two children", "a man in a red coat", "an old woman", "three sheep", "a black cat")
_DOES = ("sits beside", "looks at", "stands behind", "walks past", "jumps over")
_WHAT = ("a wooden table", "a blue car", "the sea", "a brick wall", "a bicycle", "an open window")
TEMPLATES = tuple(f"{who} {does} {what}" for who, does, what in product(_WHO, _DOES, _WHAT))


def fresh_sentences() -> Iterator[str]:
    """Sentences without end, no two alike."""
    return (f"{sentence} number {turn}" for turn in count() for sentence in TEMPLATES)


def sentences(number: int) -> list[str]:
    """So many sentences, no two alike."""
    return list(islice(fresh_sentences(), number))
