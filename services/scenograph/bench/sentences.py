"""Sentences for benchmarks, as many different ones as are wanted."""

from __future__ import annotations

from itertools import count, islice, product

_WHO = ("a dog", "two children", "a man in a red coat", "an old woman", "three sheep", "a black cat")
_DOES = ("sits beside", "looks at", "stands behind", "walks past", "jumps over")
_WHAT = ("a wooden table", "a blue car", "the sea", "a brick wall", "a bicycle", "an open window")
TEMPLATES = tuple(f"{who} {does} {what}" for who, does, what in product(_WHO, _DOES, _WHAT))


def sentences(number: int) -> list[str]:
    """So many sentences, no two alike."""
    numbered = (f"{sentence} number {turn}" for turn in count() for sentence in TEMPLATES)
    return list(islice(numbered, number))
