"""What a verb or a preposition governs in the tree: objects and subjects, voice, the places it says."""

from __future__ import annotations

from scenograph.scene.parsing.nouns import is_place
from scenograph.scene.parsing.tree import Token
from scenograph.scene.parsing.words import CONTROL, MANNER, PLACE_ADVERBS, RELATIVE
from scenograph.scene.vocabulary import participle

NOUNS = ("NOUN", "PROPN", "PRON", "NUM", "DET")
MAX_DEPTH = 30


def joined(token: Token) -> list[Token]:
    """The token and the nouns joined to it by "and"."""
    members, waiting = [], [token]
    while waiting:
        member = waiting.pop()
        members.append(member)
        waiting += [child for child in reversed(member.all("conj")) if child.pos in NOUNS]
    return members


def objects(token: Token, preposition: str) -> list[Token]:
    """The nouns that a preposition ties to the token."""
    return [inner for child in token.all("prep") if child.text == preposition for inner in child.all("pobj")]


def own_subjects(verb: Token) -> list[Token]:
    """The verb's subjects; in "that the boy holds" not the "that"."""
    own = verb.all("nsubj", "nsubjpass", "csubj")
    return [token for token in own if token.text not in RELATIVE] or own


def is_object(token: Token) -> bool:
    """Whether the token is what a verb acts on; "down [street]" counts where there is nothing else."""
    if token.dep == "npadvmod":
        return token.index > token.head.index and not token.head.has("dobj")
    return token.dep in ("dobj", "attr", "oprd")


def is_predicate_noun(token: Token) -> bool:
    """Whether the noun says what the subject is: "the man is a chef" (but not "there is a chef")."""
    head = token.head
    return token.dep == "attr" and head.lemma == "be" and head.has("nsubj") and not head.has("expl")


def is_place_adverb(token: Token) -> bool:
    """ "next" in "next to", "out" in "out of"."""
    return token.text in PLACE_ADVERBS and token.dep != "prep" and token.has("prep")


def places(preposition: Token, depth: int = 0) -> list[tuple[str, Token]]:
    """The relations that a prepositional phrase says: (words, noun) pairs, "in front of" as one."""
    found: list[tuple[str, Token]] = []
    if depth > MAX_DEPTH:
        return found
    word = preposition.text
    if word in MANNER:
        return found
    for child in preposition.children:
        if child.dep == "pobj":
            if is_place(child):
                place = child.lemma if child.lemma in ("left", "right") else f"{word} {child.lemma}"
                for inner in child.all("prep"):
                    if inner.text == "of":
                        found += [(f"{place} {phrase}", noun) for phrase, noun in places(inner, depth + 1)]
            else:
                found.append((word, child))
        elif child.dep == "prep":
            found += [(f"{word} {phrase}", noun) for phrase, noun in places(child, depth + 1)]
        elif child.dep == "conj" and child.pos == "ADP":
            found += places(child, depth + 1)
    return found


def is_passive(verb: Token) -> bool:
    """Whether the verb's subject suffers it: "is held", "held by", "boats tied to"."""
    while not verb.has("nsubjpass", "auxpass"):
        if verb.tag != "VBN" or verb.has("aux"):
            return False
        if verb.has("nsubj", "agent") or verb.dep in ("acl", "advcl", "ROOT", "dep", "xcomp", "oprd"):
            return not verb.has("dobj")
        if verb.dep != "conj" or verb.head.pos != "VERB":
            return False
        verb = verb.head
    return True


def present_participle(verb: Token) -> str:
    """The verb as relations name it: "riding"."""
    return verb.text if verb.tag == "VBG" and verb.text.endswith("ing") else participle(verb.lemma)


def controllers(verb: Token) -> list[Token]:
    """The verbs above that leave the seeing to this one: "is not trying to catch"."""
    found = []
    token = verb
    while token.dep == "xcomp" and token.head.lemma in CONTROL:
        token = token.head
        found.append(token)
    return found


def relative_object(verb: Token) -> tuple[str, Token] | None:
    """The noun that a relative clause acts on, "the ball (that) the boy holds", with "on" in "he sits on"."""
    if verb.dep != "relcl" or verb.has("dobj"):
        return None
    subjects = own_subjects(verb)
    if not subjects or subjects[0].text in RELATIVE:
        return None
    stranded = [child.text for child in verb.all("prep") if not child.children]
    return " ".join(stranded[:1]), verb.head
