"""Pronouns: the one thing earlier in the text that "he", "it" or "their" can mean, or nothing."""

from __future__ import annotations

from collections.abc import Sequence

from scenograph.scene.parsing.draft import Thing
from scenograph.scene.parsing.tree import Token
from scenograph.scene.parsing.words import FEMALE, MALE, NEUTER, PLURAL
from scenograph.scene.vocabulary import Vocabulary


def antecedent(pronoun: Token, things: Sequence[Thing], vocabulary: Vocabulary) -> Thing | None:
    """The only earlier thing that agrees in number and gender; None where there is none, or more than one."""
    earlier = [thing for thing in things if thing.token.index < pronoun.index and not thing.negated]
    word = pronoun.text

    def plural(thing: Thing) -> bool:
        return thing.token.plural or thing.count > 1

    def kind(thing: Thing, name: str) -> bool:
        return vocabulary.is_a(thing.lemma, name)

    if word in PLURAL:
        return _only(
            [thing for thing in earlier if plural(thing) and (kind(thing, "person") or kind(thing, "animal"))]
        )
    single = [thing for thing in earlier if not plural(thing)]
    people = [thing for thing in single if kind(thing, "person")]
    if word in MALE or word in FEMALE:
        same, other = ("man", "woman") if word in MALE else ("woman", "man")
        young, other_young = ("boy", "girl") if word in MALE else ("girl", "boy")
        sure = [thing for thing in people if kind(thing, same) or kind(thing, young)]
        if sure:
            return _only(sure)
        able = [thing for thing in people if not (kind(thing, other) or kind(thing, other_young))]
        return _only(able) if able else _only([thing for thing in single if kind(thing, "animal")])
    if word in NEUTER:
        beasts = [thing for thing in single if kind(thing, "animal")]
        if beasts and word != "it":
            return _only(beasts)
        return _only([thing for thing in single if not kind(thing, "person")])
    return None


def _only(things: list[Thing]) -> Thing | None:
    return things[0] if len(things) == 1 else None
