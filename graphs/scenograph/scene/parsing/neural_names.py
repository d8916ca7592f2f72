"""From words to the names that the neural parser's graphs use, as its training data writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from scenograph.scene.errors import PackCorrupt

VERB = "V"
"""Stands for the verb in a relation's form ("V on")."""

NO_RELATION = ""
"""The first form: no relation."""

_PREPOSITIONS = """
about above across against along alongside among around as at back behind below beneath beside between beyond
by close down for from in inside into is like near next of off on onto out outside over the through to
top toward towards under underneath up upon with within without
"""
PREPOSITIONS = frozenset(_PREPOSITIONS.split())
"""First words of forms that have no verb ("on top of")."""

# A stem that lost its "e" before -ing or -ed ("shap", "decorat", "danc", "handl").
_CUT = re.compile(
    r"(?:^[^aeiou]*[aeiou][^aeiouwxy]|[^aeo]at|ast|iz|[cvuz]|[^n]g|[^aeiourl]l|[^aeious]s|r?[ao]us|[cl][eo]a?s"
    r"|par|[tc]ur|[uvtr][iu]d|clin|[ty]yp|typ|[ol]ung|rrang|chang)$"
)


@dataclass(frozen=True, slots=True)
class Names:
    """`forms` of relations by their number, and names that differ from the words that say them.

    Objects and attributes go by their words ("cell phone": cellphone, "two": 2), verbs by one word
    ("worn": wear).
    """

    forms: tuple[str, ...]
    objects: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    verbs: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Names:
        """The names of a pack. Errors: PackCorrupt."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=Names)
        except (OSError, msgspec.MsgspecError) as error:
            raise PackCorrupt(f"the parser's names cannot be read from {path.name}: {error}") from error

    def save(self, path: Path) -> None:
        """Write them, the same bytes for the same names."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self, order="sorted"), indent=1) + b"\n")

    def object(self, words: str) -> str:
        """The name of an object."""
        return self.objects.get(words, words)

    def attribute(self, words: str) -> str:
        """The name of an attribute."""
        return self.attributes.get(words, words)

    def verb(self, word: str) -> str:
        """A verb's base form."""
        return self.verbs.get(word) or base_form(word)


_SHORT = {"tying": "tie", "lying": "lie", "dying": "die", "tied": "tie", "lied": "lie", "died": "die"}


def base_form(word: str) -> str:
    """The base form of a regular verb ("chasing": chase, "stopped": stop, "carries": carry)."""
    if word in _SHORT:
        return _SHORT[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes", "oes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    if word.endswith("ied") and len(word) > 4:
        return word[:-3] + "y"
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and re.search("[aeiouy]", stem) and len(stem) > 1:
            if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "flsz":
                return stem[:-1]
            return stem + "e" if _CUT.search(stem) else stem
    return word


def base_predicate(predicate: str) -> str:
    """A relation in base form ("sitting on": sit on, "parked on": park on, "on top of" as it is)."""
    first, space, rest = predicate.partition(" ")
    return predicate if first in PREPOSITIONS else base_form(first) + space + rest
