"""Closed word classes that the parsing rules go by; the long ones are in `words.txt`."""

from __future__ import annotations

from importlib.resources import files


def _read() -> dict[str, frozenset[str]]:
    classes: dict[str, list[str]] = {}
    name = ""
    for line in files(__package__).joinpath("words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif not line.startswith("#"):
            classes.setdefault(name, []).extend(line.split())
    return {name: frozenset(words) for name, words in classes.items()}


_CLASSES = _read()

GROUPS = _CLASSES["groups"]
PLACES = _CLASSES["places"]
SHOWING = _CLASSES["showing"]
HOLDING = _CLASSES["holding"]
EMPTY_NOUNS = _CLASSES["empty_nouns"]
PERSON_PRONOUNS = _CLASSES["person_pronouns"]
CONTROL = _CLASSES["control"]
TINTS = _CLASSES["tints"]
COLOURS = _CLASSES["colours"]
STUFF = _CLASSES["stuff"] | COLOURS
NOT_ATTRIBUTES = _CLASSES["not_attributes"]
MANNER = _CLASSES["manner"]
PLACE_ADVERBS = _CLASSES["place_adverbs"]
STILL = _CLASSES["still"]
ACTIONS = _CLASSES["actions"]

NUMBERS = {
    **{
        "zero": 0,
        "one": 1,
        "two": 2,
        "three": 3,
        "four": 4,
        "five": 5,
        "six": 6,
        "seven": 7,
        "eight": 8,
        "nine": 9,
    },
    **{"ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16},
    **{"seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50},
    **{"hundred": 100, "dozen": 12, "both": 2, "couple": 2, "pair": 2},
}
PAIRS = frozenset({"couple", "pair"})

MALE = frozenset({"he", "him", "his", "himself"})
FEMALE = frozenset({"she", "her", "hers", "herself"})
NEUTER = frozenset({"it", "its", "itself"})
PLURAL = frozenset({"they", "them", "their", "themselves", "theirs"})
RELATIVE = frozenset({"who", "whom", "that", "which", "whose"})

# "long haired": words that need the one before them.
SUFFIXES = frozenset({"haired", "sized", "shaped", "skinned", "eyed", "legged", "sleeved", "headed", "faced"})

SAME = {"wood": "wooden", "blond": "blonde"}
