"""The little English morphology that comparing words needs: plurals and present participles."""

from __future__ import annotations

import re

from scenograph.scene.vocabulary.tables import read_lines

IRREGULAR_PLURALS = {
    "men": "man",
    "women": "woman",
    "children": "child",
    "people": "person",
    "feet": "foot",
    "teeth": "tooth",
    "geese": "goose",
    "mice": "mouse",
    "oxen": "ox",
    "leaves": "leaf",
    "loaves": "loaf",
    "knives": "knife",
    "wives": "wife",
    "wolves": "wolf",
    "calves": "calf",
    "scarves": "scarf",
    "shelves": "shelf",
    "hooves": "hoof",
    "halves": "half",
    "elves": "elf",
    "thieves": "thief",
    "lives": "life",
    "buses": "bus",
    "cacti": "cactus",
    "fungi": "fungus",
    "dice": "die",
}

DOUBLING = frozenset(word for line in read_lines("doubling.txt") for word in line.split())


def singulars(word: str) -> list[str]:
    """Possible singulars of a lower-case word, likeliest first; none where it does not look like a plural."""
    head, _, last = word.rpartition(" ")
    prefix = f"{head} " if head else ""
    if last in IRREGULAR_PLURALS:
        return [prefix + IRREGULAR_PLURALS[last]]
    forms: list[str] = []
    if len(last) > 3 and last.endswith("s") and not last.endswith(("ss", "us", "is")):
        if last.endswith("ies"):
            forms.append(last[:-3] + "y")
        if last.endswith(("ches", "shes", "xes", "sses", "zes", "oes")):
            forms.append(last[:-2])
        forms.append(last[:-1])
    return [prefix + form for form in forms]


def participle(verb: str) -> str:
    """The present participle of a verb in its base form ("sit" -> "sitting"); a participle stays as it is."""
    if verb.endswith("ing") and verb != "bring" and re.search(r"[aeiouy]", verb[:-3]):
        return verb
    if verb == "be":
        return "being"
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb in DOUBLING:
        return verb + verb[-1] + "ing"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return verb[:-1] + "ing"
    if verb.endswith("c") and verb[-2:-1] in "i":
        return verb + "king"
    return verb + "ing"


def bases(word: str) -> list[str]:
    """Possible base forms of a lower-case finite verb ("carries" -> "carry"), likeliest first."""
    forms = [word]
    if word.endswith("ies") and len(word) > 4:
        forms.insert(0, word[:-3] + "y")
    if word.endswith(("ches", "shes", "xes", "sses", "zes", "oes")):
        forms.insert(0, word[:-2])
    if word.endswith("s") and not word.endswith("ss"):
        forms.append(word[:-1])
    return forms
