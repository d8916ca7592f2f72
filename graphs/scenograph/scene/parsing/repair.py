"""Mends the slips that a small parser makes on captions, before the rules read the tree."""

from __future__ import annotations

from itertools import pairwise

from scenograph.scene.parsing.tree import Token
from scenograph.scene.vocabulary import Vocabulary

NOUN = ("NOUN", "PROPN")

# Verbs of captions that taggers take for nouns: "a brown dog leaps over a log".
ACTIONS = frozenset(
    """run jump play stand sit hold walk ride carry watch pose smile catch climb perform chase hang fly throw fall swim
    swing talk bite eat slide pull lie race skateboard hit wait kick splash show push dance blow fight lay stick
    paint lean hug give reach laugh rest drink shake chew gather raise read drive follow wave point skate turn cross
    surf pass spray roll tackle attempt hike toss float ski paddle wrestle kiss sleep sniff shoot grab fetch flip
    balance lift kneel jog lick dribble tie leave pour touch travel bark lead descend bend rollerblade spin stretch
    work row crash bounce land crawl look leap make go try wear stare crouch trot dive gallop sprint snowboard sail
    march bow bike dig return speed enjoy pet attack retrieve tug cook peek practice compete grind""".split()
)

LEMMAS = {"rid": "ride", "woode": "wood", "sunglasse": "sunglasses", "clothe": "clothes"}


def repair(tokens: list[Token], vocabulary: Vocabulary) -> None:
    """Mends the tree in place."""
    for token in tokens:
        token.lemma = LEMMAS.get(token.lemma, token.lemma)
    _first_noun(tokens, vocabulary)
    for token in tokens:
        _object_that_ends_in_ing(token, vocabulary)
        _noun_that_is_a_verb(token, vocabulary)
        _subject_glued_to_a_verb(token)
        _participle_after_its_noun(token)
        _particle_with_an_object(token)
    for first, second in pairwise(tokens):
        _split_compound(first, second, vocabulary)


def _first_noun(tokens: list[Token], vocabulary: Vocabulary) -> None:
    """A caption begins with a noun: [fork]V laying on a plate -> [fork]N."""
    first = next((token for token in tokens if token.dep not in ("det", "nummod", "punct") and token.pos != "DET"), None)
    if first is None or first.pos in NOUN or first.tag in ("VBG", "VBN", "IN", "EX"):
        return
    if first.text in ("left", "right") and first.has("dobj"):
        noun = first.all("dobj")[0]
        _swap(first, noun, "amod")
        first.pos = "ADJ"
    elif first.has("nsubj", "aux", "expl") or first.dep in ("amod", "advmod", "aux", "prep", "mark", "nsubj"):
        return
    elif vocabulary.listed(first.text):
        first.pos, first.tag = "NOUN", "NN"
        for child in list(first.children):
            if child.dep in ("xcomp", "ccomp", "advcl") and child.tag in ("VBG", "VBN"):
                child.dep = "acl"
            elif child.dep == "prt" and child.has("pobj"):
                child.dep = "prep"


def _object_that_ends_in_ing(token: Token, vocabulary: Vocabulary) -> None:
    """on [building]V -> on [building]N."""
    if token.tag == "VBG" and token.dep == "pcomp" and not token.children and vocabulary.listed(token.text):
        token.pos, token.tag, token.dep, token.lemma = "NOUN", "NN", "pobj", token.text


def _verb_form(token: Token) -> str:
    """The base of an action that the token may be a form of, or ""."""
    for base in (token.lemma, token.text.removesuffix("s"), token.text.removesuffix("es")):
        if base in ACTIONS:
            return base
    stem = token.text.removesuffix("ing")
    if stem != token.text:
        for base in (stem, stem + "e", stem[:-1]):
            if base in ACTIONS:
                return base
    return ""


def _noun_that_is_a_verb(token: Token, vocabulary: Vocabulary) -> None:
    """[dog leaps]NP over a log -> dog [leaps]V over a log; [surfboard laying]NP in the grass."""
    if token.pos not in NOUN or token.dep in ("compound", "pobj", "dobj", "poss"):
        return
    progressive = token.text.endswith("ing")
    if not (progressive or token.text.endswith("s")) or not token.has("prep", "dobj", "advmod", "prt"):
        return
    base = _verb_form(token)
    subject = next((child for child in token.children if child.index == token.index - 1), None)
    if not base or subject is None or subject.dep not in ("compound", "nmod", "amod", "nsubj"):
        return
    animate = vocabulary.is_a(subject.lemma, "person") or vocabulary.is_a(subject.lemma, "animal")
    if not (animate or (progressive and vocabulary.listed(subject.text))):
        return
    token.pos, token.lemma, token.tag = "VERB", base, "VBG" if progressive else "VBZ"
    _make_subject(subject, token)


def _subject_glued_to_a_verb(token: Token) -> None:
    """[paper laying]V on the tray -> paper is the subject."""
    if token.dep in ("compound", "nmod") and token.pos in NOUN and token.head.pos == "VERB":
        if token.head.has("nsubj") or token.index > token.head.index:
            return
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


def _particle_with_an_object(token: Token) -> None:
    """driving [down]particle street -> driving [down]preposition street."""
    if token.dep in ("prt", "advmod") and token.has("pobj"):
        token.dep, token.pos = "prep", "ADP"


def _split_compound(first: Token, second: Token, vocabulary: Vocabulary) -> None:
    """Two words that are one name, "fire hydrant", however the parser took them."""
    if first.pos not in NOUN or second.pos in ("VERB", "AUX", "ADP", "PRON", "DET", "PUNCT"):
        return
    if (first.head is second and first.dep == "compound") or not vocabulary.listed(f"{first.text} {second.text}"):
        return
    second.pos = "NOUN"
    if second.head is first:
        _swap(first, second, "compound")
    elif first.head is second:
        first.dep = "compound"


def _swap(upper: Token, lower: Token, dep: str) -> None:
    """Makes `lower` the head in place of `upper`, which hangs on it by `dep`, with all that hung on `upper`."""
    root = upper.head is upper
    above, role = upper.head, upper.dep
    lower.attach(lower if root else above, role)
    if root:
        lower.head = lower
    for child in list(upper.children):
        child.attach(lower, child.dep)
    upper.attach(lower, dep)
