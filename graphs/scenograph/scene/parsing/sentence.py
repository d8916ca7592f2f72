"""The rules that turn a dependency tree into a scene graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scenograph.scene.graph import SceneGraph
from scenograph.scene.parsing.draft import Draft, Thing
from scenograph.scene.parsing.nouns import Nouns, adjectives, group_count, is_group, is_place, number
from scenograph.scene.parsing.pronouns import antecedent
from scenograph.scene.parsing.repair import repair
from scenograph.scene.parsing.tree import Token
from scenograph.scene.parsing.words import (
    CONTROL,
    HOLDING,
    MANNER,
    PLACE_ADVERBS,
    RELATIVE,
    SHOWING,
    STILL,
)
from scenograph.scene.vocabulary import Vocabulary, participle

NOUNS = ("NOUN", "PROPN", "PRON", "NUM", "DET")
ANIMATE = ("person", "animal")
MAX_THINGS = 200
MAX_DEPTH = 30


class SentenceReader:
    """Reads the scene graph of one parsed text."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._nouns = Nouns(vocabulary)

    def read(self, tokens: list[Token]) -> SceneGraph:
        """The graph of the whole text."""
        repair(tokens, self._vocabulary)
        reading = _Reading(tokens, self._nouns, self._vocabulary)
        return reading.run()


class _Reading:
    """One text being read."""

    def __init__(self, tokens: list[Token], nouns: Nouns, vocabulary: Vocabulary) -> None:
        self._tokens = tokens
        self._vocabulary = vocabulary
        self._depth = 0
        self._draft = Draft()
        self._things: dict[Token, Thing] = {}
        for token in tokens:
            if nouns.is_thing(token) and not _is_predicate_noun(token) and len(self._things) < MAX_THINGS:
                thing = nouns.read(token)
                self._things[token] = thing
                self._draft.things.append(thing)

    def run(self) -> SceneGraph:
        for token in self._tokens:
            if is_group(token):
                self._read_group(token)
        for token in self._tokens:
            if token.pos == "AUX" and token.lemma == "be" and not token.dep.startswith("aux"):
                self._read_copula(token)
            elif token.pos in ("VERB", "AUX") and not token.dep.startswith(("aux", "amod")):
                self._read_verb(token)
            elif token in self._things or is_group(token):
                self._read_noun(token)
        return self._draft.freeze()

    # Who is meant.

    def _who(self, token: Token, *, but: Sequence[Thing] = ()) -> list[Thing]:
        """The things that a noun phrase means: those joined by "and", a group's members, an antecedent."""
        if self._depth > MAX_DEPTH:
            return []
        self._depth += 1
        try:
            return self._members(token, but)
        finally:
            self._depth -= 1

    def _members(self, token: Token, but: Sequence[Thing]) -> list[Thing]:
        found: list[Thing] = []
        for member in _joined(token):
            if member in self._things:
                found.append(self._things[member])
            elif is_group(member):
                for inner in _objects(member, "of"):
                    found += self._who(inner)
            elif member.text in RELATIVE and member.tag in ("WP", "WDT", "WP$", "IN"):
                found += self._relative(member)
            elif member.pos == "PRON" or member.tag == "PRP$":
                things = [thing for thing in self._draft.things if thing not in but]
                thing = antecedent(member, things, self._vocabulary)
                found += [thing] if thing else []
            elif _is_predicate_noun(member):
                found += self._subjects(member.head)
        return list(dict.fromkeys(found))

    def _relative(self, token: Token) -> list[Thing]:
        for verb in token.above():
            if verb.dep == "relcl":
                return self._who_alone(verb.head)
        return []

    def _who_alone(self, token: Token) -> list[Thing]:
        """Like `_who`, without those joined to it."""
        if token in self._things:
            # "a man and a woman who walk": with a plural verb it would be both; a caption rarely says.
            return [self._things[token]]
        return self._who(token)

    def _subjects(self, verb: Token, depth: int = 0) -> list[Thing]:
        """The things that do what the verb says (or suffer it, in the passive)."""
        own = _own_subjects(verb)
        if own:
            return [thing for token in own for thing in self._who(token)]
        head = verb.head
        if head is verb or depth > 20:
            return []
        if verb.dep in ("acl", "relcl", "amod"):
            return self._who_alone(head) if verb.dep != "acl" else self._who_shared(verb)
        if verb.dep in ("conj", "xcomp", "advcl", "ccomp", "pcomp", "dep", "acomp", "parataxis"):
            if head.pos in ("VERB", "AUX"):
                if (
                    verb.dep in ("xcomp", "ccomp")
                    and head.has("dobj")
                    and verb.tag in ("VB", "VBG")
                    and not _control(head)
                ):
                    return [thing for token in head.all("dobj") for thing in self._who(token)]
                return self._subjects(head, depth + 1)
            if head in self._things or is_group(head):
                return self._who_alone(head)
            if head.dep in ("prep", "agent", "acomp", "advmod"):
                above = next((token for token in head.above() if token.pos in ("VERB", "AUX")), None)
                return self._subjects(above, depth + 1) if above else []
        return []

    def _who_shared(self, verb: Token) -> list[Thing]:
        """The nouns before a participle: both in "a man and a woman sitting"."""
        head = verb.head
        things = self._who_alone(head)
        if head.dep == "conj" and verb.index > head.index:
            first = head.head
            while first.dep == "conj":
                first = first.head
            between = [
                other
                for other in first.children
                if other.dep in ("prep", "acl", "relcl") and other.index < head.index
            ]
            if not between:
                things = [*self._who(first)]
        return things

    # What is said.

    def _read_group(self, token: Token) -> None:
        count = group_count(token)
        amount = next((number(child) for child in token.all("nummod")), 0)
        for inner in _objects(token, "of"):
            for thing in self._who(inner):
                if count and not thing.count:
                    thing.count = count * max(amount, 1)
                for child in token.all("amod"):
                    for name in adjectives(child):
                        thing.say(name)
                if any(child.text == "no" for child in token.all("det")):
                    thing.negated = True

    def _read_noun(self, token: Token) -> None:
        owners = [self._things[token]] if token in self._things else self._who(token)
        for child in token.children:
            if child.dep == "poss":
                for holder in self._who(child):
                    for thing in owners:
                        self._draft.relate(holder, "having", thing)
            elif child.dep == "amod" and child.index > token.index:
                self._read_adjective(child, owners, negated=False)
            elif child.dep in ("prep", "advmod", "amod", "dep") and _is_place_adverb(child):
                self._relate_places(owners, "", child, negated=False)
            elif child.dep in ("prep", "agent") and not (is_group(token) and child.text == "of"):
                self._relate_noun(token, owners, child)

    def _relate_noun(self, token: Token, owners: list[Thing], preposition: Token) -> None:
        for phrase, target in _places(preposition):
            held = self._held(token, preposition, target)
            things = owners if held and target.pos == "PRON" else self._who(target, but=owners)
            for thing in things:
                for owner in held or owners:
                    if phrase == "of" and self._is_content(token, target):
                        self._draft.relate(owner, "of", thing)
                    elif phrase == "of":
                        self._draft.relate(thing, "having", owner)
                    else:
                        self._draft.relate(owner, self._worn(owner, phrase, thing), thing)

    def _is_content(self, token: Token, target: Token) -> bool:
        """Whether N2 of "N1 of N2" is what N1 shows or holds ("field of grass"), not what it is a part of."""
        if token.lemma in SHOWING:
            return True
        if self._vocabulary.is_a(token.lemma, "body part") or self._vocabulary.is_a(token.lemma, "part"):
            return False
        return token.lemma in HOLDING or not target.has("det", "poss")

    def _held(self, token: Token, preposition: Token, target: Token) -> list[Thing]:
        """The wine in "a glass with wine in it", the ball in "a dog with a ball in its mouth"."""
        if target.tag != "PRP" and not any(child.tag == "PRP$" for child in target.all("poss")):
            return []
        before = [
            child for child in token.all("prep") if child.text == "with" and child.index < preposition.index
        ]
        return [thing for child in before for noun in child.all("pobj") for thing in self._who(noun)]

    def _read_adjective(self, token: Token, owners: Iterable[Thing], *, negated: bool) -> None:
        owners = list(owners)
        negated = negated or token.has("neg")
        related = False
        for child in token.all("prep"):
            related |= self._relate_places(owners, token.text, child, negated=negated)
        if not related:
            for name in adjectives(token):
                for owner in owners:
                    owner.say(name, negated=negated)

    def _read_copula(self, verb: Token) -> None:
        if verb.has("expl"):
            if verb.has("neg"):
                for noun in verb.all("attr", "nsubj"):
                    for thing in self._who(noun):
                        thing.negated = True
            return
        subjects = self._subjects(verb)
        negated = verb.has("neg")
        for child in verb.children:
            if child.dep in ("acomp", "oprd", "advmod") and child.pos in ("ADJ", "VERB", "NOUN"):
                self._read_adjective(child, subjects, negated=negated)
            elif child.dep == "attr" and child.pos in ("NOUN", "PROPN"):
                if child in self._things:
                    continue
                for thing in subjects:
                    for modifier in child.all("amod"):
                        for name in adjectives(modifier):
                            thing.say(name, negated=negated)
                    thing.say(child.lemma, negated=negated)
                for preposition in child.all("prep"):
                    self._relate_places(subjects, "", preposition, negated=negated)
            elif child.dep == "attr" and child.pos == "ADJ":
                self._read_adjective(child, subjects, negated=negated)
            elif child.dep == "prep" or _is_place_adverb(child):
                self._relate_places(subjects, "", child, negated=negated)

    def _read_verb(self, verb: Token) -> None:
        if verb.lemma in CONTROL and verb.has("xcomp") and not verb.has("dobj"):
            return
        things = self._wearers(verb, self._subjects(verb))
        negated = verb.has("neg") or any(above.has("neg") for above in _controllers(verb))
        passive = _is_passive(verb)
        name = verb.text if passive else _participle(verb)
        particle = " ".join([name, *(child.text for child in verb.all("prt"))])
        related = False
        objects: list[Thing] = []
        for child in verb.children:
            if child.dep == "agent" and passive:
                for agent in (thing for token in child.all("pobj") for thing in self._who(token)):
                    for thing in things:
                        self._draft.relate(agent, _participle(verb), thing, negated=negated)
                        related = True
            elif _is_object(child) and not passive:
                for target in self._who(child):
                    objects.append(target)
                    for thing in things:
                        self._draft.relate(thing, particle, target, negated=negated)
                        related = True
        relative = _relative_object(verb)
        if relative is not None and not passive:
            for target in self._who_alone(relative):
                for thing in things:
                    if thing is not target:
                        self._draft.relate(thing, particle, target, negated=negated)
                        related = True
        for child in verb.children:
            if child.dep in ("prep", "dative", "agent") or _is_place_adverb(child):
                if child.dep == "agent" and passive:
                    continue
                prefix = particle if not objects else ""
                related |= self._relate_places(things, prefix, child, negated=negated)
        for child in verb.all("acomp", "oprd"):
            if child.pos == "ADJ":
                self._read_adjective(child, things, negated=negated)
        acts_on_nothing = not objects and not verb.has("dobj")
        if not related and acts_on_nothing and verb.lemma not in ("be", "have", "do"):
            for thing in things:
                thing.say(particle, negated=negated)

    def _wearers(self, verb: Token, things: list[Thing]) -> list[Thing]:
        """Clothes do nothing: in "a man wearing a hat riding a bike" the man rides."""
        if _is_passive(verb) or verb.lemma in STILL or verb.dep == "relcl":
            return things
        if not things or not all(self._vocabulary.is_a(thing.lemma, "clothing") for thing in things):
            return things
        worn = {self._draft.things.index(thing) for thing in things}
        pairs = [(subject, target) for subject, name, target in self._draft.relations if name == "wearing"]
        return (
            list(dict.fromkeys(self._draft.things[subject] for subject, target in pairs if target in worn))
            or things
        )

    def _worn(self, owner: Thing, phrase: str, thing: Thing) -> str:
        """ "a man in a hat" wears it."""
        if phrase not in ("in", "dressed in", "clad in") or not self._vocabulary.is_a(
            thing.lemma, "clothing"
        ):
            return phrase
        return "wearing" if any(self._vocabulary.is_a(owner.lemma, kind) for kind in ANIMATE) else phrase

    def _relate_places(self, things: list[Thing], verb: str, preposition: Token, *, negated: bool) -> bool:
        related = False
        for phrase, target in _places(preposition):
            for place in self._who(target, but=things):
                for thing in things:
                    if thing is not place:
                        predicate = self._worn(thing, f"{verb} {phrase}".strip(), place)
                        self._draft.relate(thing, predicate, place, negated=negated)
                        related = True
        return related


def _joined(token: Token) -> list[Token]:
    """The token and the nouns joined to it by "and"."""
    members, waiting = [], [token]
    while waiting:
        member = waiting.pop()
        members.append(member)
        waiting += [child for child in reversed(member.all("conj")) if child.pos in NOUNS]
    return members


def _objects(token: Token, preposition: str) -> list[Token]:
    return [inner for child in token.all("prep") if child.text == preposition for inner in child.all("pobj")]


def _own_subjects(verb: Token) -> list[Token]:
    """The verb's subjects; in "that the boy holds" not the "that"."""
    own = verb.all("nsubj", "nsubjpass", "csubj")
    return [token for token in own if token.text not in RELATIVE] or own


def _is_object(token: Token) -> bool:
    """Whether the token is what a verb acts on; "down [street]" counts where there is nothing else."""
    if token.dep == "npadvmod":
        return token.index > token.head.index and not token.head.has("dobj")
    return token.dep in ("dobj", "attr", "oprd")


def _is_predicate_noun(token: Token) -> bool:
    """Whether the noun says what the subject is: "the man is a chef" (but not "there is a chef")."""
    head = token.head
    return token.dep == "attr" and head.lemma == "be" and head.has("nsubj") and not head.has("expl")


def _is_place_adverb(token: Token) -> bool:
    """ "next" in "next to", "out" in "out of"."""
    return token.text in PLACE_ADVERBS and token.dep != "prep" and token.has("prep")


def _places(preposition: Token, depth: int = 0) -> list[tuple[str, Token]]:
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
                place = (
                    "left"
                    if child.lemma == "left"
                    else "right"
                    if child.lemma == "right"
                    else f"{word} {child.lemma}"
                )
                for inner in child.all("prep"):
                    if inner.text == "of":
                        found += [(f"{place} {phrase}", noun) for phrase, noun in _places(inner, depth + 1)]
            else:
                found.append((word, child))
        elif child.dep == "prep":
            found += [(f"{word} {phrase}", noun) for phrase, noun in _places(child, depth + 1)]
        elif child.dep == "conj" and child.pos == "ADP":
            found += _places(child, depth + 1)
    return found


def _is_passive(verb: Token) -> bool:
    while not verb.has("nsubjpass", "auxpass"):
        if verb.tag != "VBN" or verb.has("aux"):
            return False
        if verb.has("nsubj", "agent") or verb.dep in ("acl", "advcl", "ROOT", "dep", "xcomp", "oprd"):
            return not verb.has("dobj")
        if verb.dep != "conj" or verb.head.pos != "VERB":
            return False
        verb = verb.head
    return True


def _participle(verb: Token) -> str:
    return verb.text if verb.tag == "VBG" and verb.text.endswith("ing") else participle(verb.lemma)


def _control(verb: Token) -> bool:
    return verb.lemma in CONTROL


def _controllers(verb: Token) -> list[Token]:
    """The verbs above that leave the seeing to this one: "is not trying to catch"."""
    found = []
    token = verb
    while token.dep == "xcomp" and token.head.lemma in CONTROL:
        token = token.head
        found.append(token)
    return found


def _relative_object(verb: Token) -> Token | None:
    """The noun that a relative clause takes as its object: "the ball (that) the boy holds"."""
    if verb.dep != "relcl" or verb.has("dobj"):
        return None
    subjects = _own_subjects(verb)
    if not subjects or subjects[0].text in RELATIVE:
        return None
    if any(child.dep == "prep" and not child.has("pobj") for child in verb.children):
        return None
    return verb.head
