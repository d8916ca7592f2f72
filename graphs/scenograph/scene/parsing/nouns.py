"""Objects: which words name one, by what name, how many, and with which attributes in front of it."""

from __future__ import annotations

from scenograph.scene.graph import Span
from scenograph.scene.parsing.draft import Thing
from scenograph.scene.parsing.tree import Token
from scenograph.scene.parsing.words import (
    COLOURS,
    EMPTY_NOUNS,
    GROUPS,
    NOT_ATTRIBUTES,
    NUMBERS,
    PAIRS,
    PERSON_PRONOUNS,
    PLACES,
    SAME,
    STUFF,
    SUFFIXES,
    TINTS,
)
from scenograph.scene.vocabulary import Vocabulary


class Nouns:
    """Makes things of noun tokens."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def is_thing(self, token: Token) -> bool:
        """Whether the token heads a phrase that names an object."""
        if token.text in PERSON_PRONOUNS or is_worn_colour(token):
            return True
        if not any(letter.isalpha() for letter in token.text) or token.tag.startswith(("PRP", "W")):
            return False
        listed, attribute = self._vocabulary.listed(token.name), self._vocabulary.is_attribute(token.name)
        if token.pos not in ("NOUN", "PROPN"):
            taken = token.dep in ("pobj", "dobj", "nsubj", "intj") and token.tag not in (
                "VBG",
                "CD",
                "DT",
                "EX",
            )
            return taken and listed and not attribute
        if attribute and not listed:
            return token.dep in ("pobj", "dobj") and token.text not in COLOURS
        if token.dep == "nummod" or (token.dep == "compound" and token.head.pos in ("NOUN", "PROPN")):
            return False
        if token.lemma in EMPTY_NOUNS and not (token.prefix or token.has("compound")):
            return False
        return not (is_group(token) or is_place(token))

    def read(self, token: Token) -> Thing:
        """The thing that the token's phrase names."""
        if is_worn_colour(token):
            thing = Thing(token, token.text, "clothing", Span(token.start, token.end))
            for name in adjectives(token):
                thing.say(name)
            return thing
        parts, stuff = self._compound(token)
        start = parts[0].start if parts else token.start
        names = [part.name for part in parts]
        label = " ".join([*names, token.name])
        lemma = " ".join([*names, self._lemma(token)])
        thing = Thing(token, label, lemma, Span(start, token.end))
        for member in (*parts, *stuff, token):
            self._modify(thing, member)
        for part in stuff:
            thing.say(SAME.get(part.text, part.text))
        return thing

    def _lemma(self, token: Token) -> str:
        """The dictionary form; a plural that means something of its own ("glasses", "shorts") stays."""
        if token.text in PERSON_PRONOUNS:
            return "person"
        lemma = f"{token.prefix} {token.lemma}".strip()
        if token.text == token.lemma or not token.plural:
            return token.name if token.pos == "PROPN" else lemma
        vocabulary = self._vocabulary
        own = vocabulary.canonical(token.name)
        if vocabulary.listed(token.name) and (own == token.name or own != vocabulary.canonical(lemma)):
            return token.name
        return lemma

    def _compound(self, token: Token) -> tuple[list[Token], list[Token]]:
        """The words that belong to the name, and those that are attributes ("brick house": brick)."""
        parts = [child for child in token.all("compound", "nmod") if child.index < token.index]
        for child in reversed(token.all("amod")):
            if self._is_name(child, parts, token):
                parts.append(child)
        parts = sorted(
            [*parts, *(inner for part in parts for inner in part.all("compound"))],
            key=lambda part: part.index,
        )
        # What stands apart belongs to another noun: "a shirt and shorts".
        near = token.index - 1
        for part in reversed(parts):
            near = part.index - 1 if part.index == near else near
        parts = [part for part in parts if part.index > near]
        # The longest listed end is the name; before it, known stuff is an attribute.
        names: list[Token] = list(parts)
        stuff: list[Token] = []
        for part in parts:
            rest = " ".join([*(item.name for item in names), f"{token.prefix} {token.lemma}".strip()])
            told = part.text in STUFF or part.tag == "VBG" or self._vocabulary.is_attribute(part.text)
            if self._vocabulary.listed(rest) or not told:
                break
            stuff.append(part)
            names.remove(part)
        return names, stuff

    def _is_name(self, adjective: Token, parts: list[Token], noun: Token) -> bool:
        """Whether an adjective belongs to the name: "hot dog", "living room", but not "young girl"."""
        parts = sorted(parts, key=lambda part: part.index)
        if adjective.index != (parts[0] if parts else noun).index - 1:
            return False
        words = [adjective.text, *(part.text for part in parts)]
        names = (" ".join([*words, form]) for form in (noun.lemma, noun.text))
        name = next((name for name in names if self._vocabulary.listed(name)), "")
        return bool(name) and not (
            self._vocabulary.is_attribute(adjective.text)
            and self._vocabulary.is_a(name, self._vocabulary.canonical(noun.lemma))
        )

    def _modify(self, thing: Thing, token: Token) -> None:
        for child in token.children:
            if child.dep == "nummod":
                thing.count = number(child) or thing.count
            elif child.dep in ("det", "predet") and child.text == "no":
                thing.negated = True
            elif child.dep in ("det", "predet") and child.text in ("both", "two"):
                thing.count = 2
            elif child.dep in ("amod", "nmod") and child.index < token.index:
                if child.text in thing.label.split() or _is_tint_of_next(child):
                    continue
                if child.dep == "nmod" and not self._vocabulary.is_attribute(child.text):
                    continue
                for name in adjectives(child):
                    thing.say(name)


def is_group(token: Token) -> bool:
    """Whether the token only counts or gathers what follows: "group of people"."""
    if token.lemma not in GROUPS or token.prefix:
        return False
    return any(child.text == "of" and child.has("pobj") for child in token.all("prep"))


def is_worn_colour(token: Token) -> bool:
    """Whether a colour stands for clothes: "a woman in blue", "wearing black and white"."""
    if token.text not in COLOURS or token.has("det"):
        return False
    return (token.dep == "pobj" and token.head.text == "in") or (
        token.dep == "dobj" and token.head.lemma == "wear"
    )


def is_place(token: Token) -> bool:
    """Whether the token is the noun of a longer preposition: "in front of"."""
    return (
        not token.prefix
        and token.lemma in PLACES
        and token.dep == "pobj"
        and any(child.text == "of" for child in token.all("prep"))
    )


def group_count(token: Token) -> int:
    """The number that a group word says: 2 for "a couple of"."""
    if token.lemma in PAIRS:
        return 2
    return NUMBERS.get(token.lemma, 0)


def number(token: Token) -> int:
    """The value of a numeral; 0 where it has none."""
    text = token.text.replace(",", "")
    if text.isdigit() and text.isascii():
        return int(text) if len(text) < 7 else 0
    return NUMBERS.get(text, 0)


def adjectives(token: Token) -> list[str]:
    """The attributes that an adjective and those joined to it say; "dark green" is one."""
    found: list[Token] = []
    waiting = [token]
    while waiting:
        word = waiting.pop()
        if word.pos in ("ADJ", "VERB", "NOUN", "ADV", "PROPN") and word.text not in NOT_ATTRIBUTES:
            found.append(word)
        for child in reversed(word.all("conj", "amod")):
            action = child.pos == "VERB" and word.dep not in ("amod", "conj")
            if not action and (child.dep == "conj" or child.text not in TINTS):
                waiting.append(child)
    return [_with_tint(word) for word in sorted(found, key=lambda word: word.index)]


def _is_tint_of_next(token: Token) -> bool:
    """ "bright" in "bright blue shoes", "long" in "long haired dog"."""
    after = next((other for other in token.head.children if other.index == token.index + 1), None)
    return after is not None and ((token.text in TINTS and after.text in COLOURS) or after.text in SUFFIXES)


def _with_tint(token: Token) -> str:
    """The adjective with the word that shades it: "dark green", "orange colored" (orange), "blue-eyed"."""
    children = [child for child in token.children if child.index < token.index]
    siblings = [
        other for other in token.head.children if other.index == token.index - 1 and other.dep == "amod"
    ]
    if token.text in ("colored", "coloured"):
        for child in reversed([*siblings, *children]):
            if child.pos in ("ADJ", "NOUN", "ADV", "VERB"):
                return child.text
    if token.text in SUFFIXES:
        before = [word for word in (*siblings, *children) if word.index == token.index - 1]
        if before:
            return f"{before[0].text} {token.text}"
    tints = [child.text for child in children if child.text in TINTS]
    if not tints and token.text in COLOURS:
        tints = [other.text for other in siblings if other.text in TINTS]
    return " ".join([*tints, SAME.get(token.text, token.text)])
