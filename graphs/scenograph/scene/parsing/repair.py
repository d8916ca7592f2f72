"""Mends the slips that a small parser makes on captions, before the rules read the tree."""

from __future__ import annotations

from scenograph.scene.parsing.tree import Token
from scenograph.scene.parsing.words import COLOURS
from scenograph.scene.vocabulary import Vocabulary

NOUN = ("NOUN", "PROPN")

LEMMAS = {"rid": "ride", "woode": "wood", "sunglasse": "sunglasses", "clothe": "clothes"}


def repair(tokens: list[Token], vocabulary: Vocabulary) -> None:
    """Mends the tree in place."""
    for token in tokens:
        token.lemma = LEMMAS.get(token.lemma, token.lemma)
    for token in tokens:
        _name_that_is_a_noun(token)
        _object_that_ends_in_ing(token, vocabulary)
        _verb_with_its_object(token)
    for token in tokens:
        _subject_glued_to_a_verb(token)
        _participle_after_its_noun(token)
        _particle_with_an_object(token)
        _colour_that_is_worn(token)


def _name_that_is_a_noun(token: Token) -> None:
    """A listed name is a noun, whatever its last word looks like."""
    if token.prefix and token.pos not in NOUN and not token.has("nsubj", "dobj", "aux"):
        token.pos, token.tag = "NOUN", "NNS" if token.text.endswith("s") else "NN"
        if token.dep == "pcomp":
            token.dep = "pobj"


def _object_that_ends_in_ing(token: Token, vocabulary: Vocabulary) -> None:
    """on [building]V -> on [building]N."""
    if token.tag == "VBG" and token.dep == "pcomp" and not token.children and vocabulary.listed(token.text):
        token.pos, token.tag, token.dep, token.lemma = "NOUN", "NN", "pobj", token.text


def _subject_glued_to_a_verb(token: Token) -> None:
    """[paper laying]V on the tray -> paper is the subject."""
    if token.dep not in ("compound", "nmod", "npadvmod", "intj", "dep") or token.pos not in (*NOUN, "INTJ"):
        return
    if (
        token.head.pos == "VERB"
        and token.index < token.head.index
        and not token.head.has("nsubj", "nsubjpass")
    ):
        _make_subject(token, token.head)


def _make_subject(noun: Token, verb: Token) -> None:
    for child in list(verb.children):
        if child.index < noun.index and child.dep in ("det", "amod", "nummod", "compound", "poss", "nmod"):
            child.attach(noun, child.dep)
    noun.dep, noun.pos = "nsubj", "NOUN"
    if verb.dep not in ("ROOT", "conj", "relcl", "ccomp", "advcl"):
        verb.dep = "dep"


def _participle_after_its_noun(token: Token) -> None:
    """A participle that follows its noun is no adjective in front of it: "a dog running"."""
    if token.dep == "amod" and token.tag in ("VBG", "VBN") and token.index > token.head.index:
        token.dep, token.pos = "acl", "VERB"


def _verb_with_its_object(token: Token) -> None:
    """following a path: [path]pobj -> [path]dobj; [biker performing jump]NP -> biker performing a jump."""
    if token.tag != "VBG" or token.pos != "VERB":
        return
    for child in token.all("pobj"):
        child.dep = "dobj"
    if (
        token.dep == "amod"
        and token.head.pos in NOUN
        and any(
            child.pos in NOUN and child.index == token.index - 1
            for child in token.all("npadvmod", "nsubj", "compound")
        )
    ):
        noun = token.head
        root = noun.head is noun
        token.attach(token if root else noun.head, noun.dep)
        if root:
            token.head = token
        for child in list(noun.children):
            if child.index < token.index or child.dep in ("advcl", "punct", "conj", "cc"):
                child.attach(token, child.dep)
        noun.attach(token, "dobj")


def _colour_that_is_worn(token: Token) -> None:
    """a woman in [red]A -> a woman in [red]N."""
    if token.text in COLOURS and token.head.text == "in" and token.dep == "amod":
        token.dep = "pobj"


def _particle_with_an_object(token: Token) -> None:
    """driving [down]particle street -> driving [down]preposition street."""
    if token.dep in ("prt", "advmod") and token.has("pobj"):
        token.dep, token.pos = "prep", "ADP"
