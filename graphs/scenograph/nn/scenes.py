"""The words that the untrained heads are made of: what photographs usually show, what captions are like."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from random import Random

SUBJECTS = (
    "a man", "a woman", "a boy", "a girl", "a young child", "a baby", "a person", "people",
    "a group of people", "two men", "two women", "two children", "three people", "a crowd", "a dog",
    "two dogs", "a black dog", "a brown and white dog", "a cat", "a horse", "a bird", "an animal",
    "a man and a woman", "a woman and a child", "a player", "someone",
)  # fmt: skip
ACTIONS = (
    "standing", "sitting", "walking", "running", "playing", "jumping in the air", "looking at the camera",
    "holding something", "eating", "riding", "lying down", "smiling", "wearing a red shirt",
    "wearing a blue hat", "talking", "posing for a picture", "swimming", "climbing",
    "in front of a building", "with a ball in the mouth",
)  # fmt: skip
PLACES = (
    "on the grass", "on the street", "in the water", "on the beach", "in the snow", "in a room",
    "on a field", "in the mountains", "near a wall", "outside", "on a bench", "in a park",
)  # fmt: skip
_SEED = 0


def generic_sentences() -> list[str]:
    """About a thousand plain captions made by a template: what captions have in common."""
    random = Random(_SEED)
    return [
        f"{subject} {action} {place}"
        for subject in SUBJECTS
        for action in ACTIONS
        for place in random.sample(PLACES, 2)
    ]


def class_scenes(count: int = 1000) -> list[tuple[str, ...]]:
    """For each ImageNet class the phrases that describe its usual photograph, or none."""
    scenes: list[tuple[str, ...]] = [()] * count
    for key, phrases in _lines("class_scenes.txt"):
        first, _, last = key.partition("-")
        for position in range(int(first), int(last or first) + 1):
            scenes[position] = phrases
    return scenes


def object_scenes(object_names: Sequence[str]) -> list[tuple[str, ...]]:
    """For each object name the phrases that describe its usual photograph, or none."""
    known = dict(_lines("object_scenes.txt"))
    return [known.get(name, ()) for name in object_names]


def _lines(name: str) -> list[tuple[str, tuple[str, ...]]]:
    text = files("scenograph.nn").joinpath("data", name).read_text(encoding="utf-8")
    parsed = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            key, _, phrases = line.partition(":")
            parsed.append((key.strip(), tuple(phrase.strip() for phrase in phrases.split(";"))))
    return parsed
