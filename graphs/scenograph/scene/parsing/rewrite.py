"""Rewords a caption where a small parser is known to stumble; words keep their places in the text as given.

Before parsing, listed colours lose their commas ("white, brown and black dogs"). After it, a sentence is read
again where a verb was taken for a noun ("a dog leaps over" -> "a dog is leaping over") or a first noun for
something else ("Boy riding a bike" -> "the boy riding a bike").
"""

from __future__ import annotations

from scenograph.scene.parsing.compounds import Word, join_names
from scenograph.scene.parsing.tree import Token
from scenograph.scene.parsing.words import ACTIONS, COLOURS
from scenograph.scene.vocabulary import Vocabulary, participle

CERTAIN = ("DET", "PRON", "NUM", "ADP", "PUNCT", "SPACE")
FINITE = ("VBZ", "VBP", "VBD", "MD")
COVERED = frozenset({"covered", "filled", "capped", "lined"})
_LINKS = "the and are has but who that with in by from to on up over is for was one two"
LINKS = frozenset(_LINKS.split())
LISTING = frozenset({",", "and", "&", "/"})


def prepare(words: list[Word], vocabulary: Vocabulary) -> list[Word]:
    """The words to read first: names, "blue-eyed" and "snow covered" as one word, colours without commas."""
    return join_names(_join_coverings(_join_colours(_join_hyphens(words))), vocabulary)


def _join_hyphens(words: list[Word]) -> list[Word]:
    """Joins what stands together around a hyphen: "t-shirt", "cross-country"."""
    kept: list[Word] = []
    for index, word in enumerate(words):
        before = kept[-1] if kept else None
        after = words[index + 1] if index + 1 < len(words) else None
        if before is None or before.end != word.start:
            kept.append(word)
        elif before.text.endswith("-") or (
            word.text == "-" and after is not None and after.start == word.end
        ):
            kept[-1] = Word(before.text + word.text, before.start, word.end)
        else:
            kept.append(word)
    return kept


def _join_coverings(words: list[Word]) -> list[Word]:
    kept: list[Word] = []
    for index, word in enumerate(words):
        after = words[index + 1].text if index + 1 < len(words) else ""
        if word.text in COVERED and kept and _is_content(kept[-1].text) and _is_content(after):
            before = kept.pop()
            kept.append(Word(f"{before.text}-{word.text}", before.start, word.end))
        else:
            kept.append(word)
    return kept


def _is_content(text: str) -> bool:
    return len(text) > 2 and text.isalpha() and text not in LINKS


def _join_colours(words: list[Word]) -> list[Word]:
    """Drops what stands between the colours of one noun."""
    kept: list[Word] = []
    index = 0
    while index < len(words):
        kept.append(words[index])
        index += 1
        if kept[-1].text in COLOURS:
            after = index
            while after < len(words) and words[after].text in LISTING:
                after += 1
            listed = any(word.text == "," for word in words[index : after + 2])
            if after > index and listed and _colours_before_a_noun(words, after):
                index = after
    return kept


def _colours_before_a_noun(words: list[Word], index: int) -> bool:
    """Whether colours, with no more than commas between, lead up to another word."""
    if index >= len(words) or words[index].text not in COLOURS:
        return False
    after = index + 1
    while after < len(words) and (words[after].text in LISTING or words[after].text in COLOURS):
        after += 1
    return after < len(words) and words[after - 1].text in COLOURS and words[after].text.isalpha()


def reword(words: list[Word], tokens: list[Token], vocabulary: Vocabulary) -> list[Word] | None:
    """The words to read again; None where the first reading stands."""
    result: list[Word] = []
    if _is_bare_first_noun(tokens, vocabulary):
        result.append(Word("the", words[0].start, words[0].start))
    finite = [token for token in tokens if token.tag in FINITE]
    for word, token in zip(words, tokens, strict=True):
        base = _hidden_verb(token, tokens, finite, vocabulary)
        if base:
            result.append(Word("are" if base == word.text else "is", word.start, word.start))
            result.append(Word(participle(base), word.start, word.end))
        else:
            result.append(word)
    return result if len(result) != len(words) else None


def _is_bare_first_noun(tokens: list[Token], vocabulary: Vocabulary) -> bool:
    first = tokens[0]
    if len(tokens) < 2 or first.tag == "EX" or first.pos in CERTAIN:
        return False
    if first.text in COLOURS or first.tag == "MD":
        return first.pos != "ADJ" and (first.text in COLOURS or vocabulary.listed(first.text))
    if first.pos in ("NOUN", "PROPN", "AUX"):
        return False
    if first.tag in ("VBG", "VBN"):
        # "mirrored closet", "walking cane", but not "riding a horse".
        return any(noun.index == 1 and (first.tag == "VBN" or not noun.plural) for noun in first.all("dobj"))
    if vocabulary.listed(first.text):
        return first.pos != "ADJ" or first.dep != "amod"
    return first.text in ("left", "right") or (first.pos == "ADV" and vocabulary.is_attribute(first.text))


def _hidden_verb(token: Token, tokens: list[Token], finite: list[Token], vocabulary: Vocabulary) -> str:
    """The base of a verb that was taken for a noun, or ""."""
    if token.pos not in ("NOUN", "PROPN") or token.index == 0 or token.prefix:
        return ""
    before = tokens[token.index - 1]
    after = tokens[token.index + 1] if token.index + 1 < len(tokens) else None
    base = base_form(token.text, ACTIONS)
    if not base or vocabulary.listed(f"{before.text} {token.text}"):
        return ""
    animate = [other for other in tokens[: token.index] if _is_animate(other, vocabulary)]
    if token.text.endswith("ing"):
        nominal = before.pos in ("NOUN", "PROPN") or vocabulary.listed(before.text)
        leads_on = after is not None and after.pos in ("ADP", "DET", "ADV", "PRON", "PART", "SCONJ")
        return base if nominal and leads_on and token.dep != "compound" and before.head is not before else ""
    if base == token.text:
        return base if _is_hidden_plural(token, before, after, animate, finite) else ""
    if not token.text.endswith("s") or before.dep == "poss":
        return ""
    if before.text == "one":
        return base
    if not animate:
        return ""
    if token.dep == "conj" and before.text in ("and", ","):
        last = after is None or after.pos in ("PUNCT", "ADP", "ADV")
        return base if token.head.tag in FINITE or (finite and last) else ""
    if before.pos not in ("NOUN", "PROPN", "ADJ", "NUM"):
        return ""
    if before in animate:
        return base if token.dep != "compound" else ""
    return base if not finite else ""


def _is_hidden_plural(
    token: Token, before: Token, after: Token | None, animate: list[Token], finite: list[Token]
) -> bool:
    """Two terriers [race]N through a field; three girls wear hats and [dance]N on a stage."""
    if after is None or after.pos not in ("ADP", "ADV", "CCONJ") or token.dep == "compound":
        return False
    if before.text == "and":
        return any(verb.tag == "VBP" for verb in finite) and not token.has("det", "amod", "compound")
    if before not in animate:
        return False
    return before.plural or (not finite and any(noun.plural for noun in animate))


def _is_animate(token: Token, vocabulary: Vocabulary) -> bool:
    return token.pos in ("NOUN", "PROPN") and (
        vocabulary.is_a(token.lemma, "person") or vocabulary.is_a(token.lemma, "animal")
    )


def base_form(text: str, verbs: frozenset[str]) -> str:
    """The verb that a word in -s or -ing is a form of, or ""."""
    if text.endswith("ing"):
        stem = text.removesuffix("ing")
        bases = (stem, stem + "e", stem[:-1])
    elif text.endswith("ies"):
        bases = (text[:-3] + "y", text[:-1], "")
    else:
        bases = (text, text.removesuffix("s"), text.removesuffix("es"))
    return next((base for base in bases if base in verbs), "")
