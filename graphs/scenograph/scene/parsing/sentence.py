"""The rules that turn a dependency tree into a scene graph."""

from __future__ import annotations

from collections.abc import Iterable

from scenograph.scene.graph import SceneGraph
from scenograph.scene.parsing.clauses import (
    controllers,
    is_object,
    is_passive,
    is_place_adverb,
    objects,
    places,
    present_participle,
    relative_object,
)
from scenograph.scene.parsing.draft import Thing
from scenograph.scene.parsing.nouns import Nouns, adjectives, group_count, is_group, number
from scenograph.scene.parsing.reference import Reference
from scenograph.scene.parsing.repair import repair
from scenograph.scene.parsing.tree import Token
from scenograph.scene.parsing.words import CONTROL, HOLDING, SHOWING, STILL
from scenograph.scene.vocabulary import Vocabulary


class SentenceReader:
    """Reads the scene graph of one parsed text."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._nouns = Nouns(vocabulary)

    def read(self, tokens: list[Token]) -> SceneGraph:
        """The graph of the whole text. The tokens are changed."""
        repair(tokens, self._vocabulary)
        return _Reading(tokens, Reference(tokens, self._nouns, self._vocabulary)).run()


class _Reading:
    """One text being read: each verb, copula and noun says what it says of the things."""

    def __init__(self, tokens: list[Token], about: Reference) -> None:
        self._tokens = tokens
        self._about = about
        self._draft = about.draft
        self._vocabulary = about.vocabulary

    def run(self) -> SceneGraph:
        for token in self._tokens:
            if is_group(token):
                self._read_group(token)
        for token in self._tokens:
            if token.lemma == "be" and token.pos in ("AUX", "VERB") and not token.dep.startswith("aux"):
                self._read_copula(token)
            elif token.pos in ("VERB", "AUX") and not token.dep.startswith(("aux", "amod")):
                self._read_verb(token)
            elif token in self._about.things or is_group(token):
                self._read_noun(token)
        return self._draft.freeze()

    def _read_group(self, token: Token) -> None:
        count = group_count(token)
        amount = next((number(child) for child in token.all("nummod")), 0)
        for inner in objects(token, "of"):
            for thing in self._about.who(inner):
                if count and not thing.count:
                    thing.count = count * max(amount, 1)
                for child in token.all("amod"):
                    for name in adjectives(child):
                        thing.say(name)
                if any(child.text == "no" for child in token.all("det")):
                    thing.negated = True

    def _read_noun(self, token: Token) -> None:
        owners = self._about.owners(token)
        for child in token.children:
            if child.dep == "poss":
                for holder in self._about.who(child):
                    for thing in owners:
                        self._draft.relate(holder, "having", thing)
            elif child.dep == "amod" and child.index > token.index:
                self._read_adjective(child, owners, negated=False)
            elif child.dep in ("prep", "advmod", "amod", "dep") and is_place_adverb(child):
                self._relate_places(owners, "", child, negated=False)
            elif child.dep in ("prep", "agent") and not (is_group(token) and child.text == "of"):
                self._relate_noun(token, owners, child)

    def _relate_noun(self, token: Token, owners: list[Thing], preposition: Token) -> None:
        for phrase, target in places(preposition):
            held = self._held(token, preposition, target)
            things = owners if held and target.pos == "PRON" else self._about.who(target, but=owners)
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
        return [thing for child in before for noun in child.all("pobj") for thing in self._about.who(noun)]

    def _read_adjective(self, token: Token, owners: Iterable[Thing], *, negated: bool) -> None:
        owners = list(owners)
        negated = negated or token.has("neg")
        related = False
        for child in token.all("prep"):
            # "open on the street" is open, and on the street; "full of flowers" says it only together.
            apart = child.text in ("on", "in", "at", "near", "behind", "under") and not token.text.endswith(
                "ed"
            )
            found = self._relate_places(owners, "" if apart else token.text, child, negated=negated)
            related |= found and not apart
        if not related:
            for name in adjectives(token):
                for owner in owners:
                    owner.say(name, negated=negated)

    def _read_copula(self, verb: Token) -> None:
        if verb.has("expl"):
            if verb.has("neg"):
                for noun in verb.all("attr", "nsubj"):
                    for thing in self._about.who(noun):
                        thing.negated = True
            return
        subjects = self._about.subjects(verb)
        negated = verb.has("neg")
        for child in verb.children:
            if child.dep in ("acomp", "oprd", "advmod") and child.pos in ("ADJ", "VERB", "NOUN"):
                self._read_adjective(child, subjects, negated=negated)
            elif child.dep == "attr" and child.pos in ("NOUN", "PROPN"):
                if child in self._about.things:
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
            elif child.dep == "prep" or is_place_adverb(child):
                self._relate_places(subjects, "", child, negated=negated)

    def _read_verb(self, verb: Token) -> None:
        if verb.lemma in CONTROL and verb.has("xcomp") and not verb.has("dobj"):
            return
        things = self._wearers(verb, self._about.subjects(verb))
        negated = verb.has("neg") or any(above.has("neg") for above in controllers(verb))
        passive = is_passive(verb)
        name = verb.text if passive else present_participle(verb)
        particle = " ".join([name, *(child.text for child in verb.all("prt"))])
        related = False
        objects: list[Thing] = []
        for child in verb.children:
            if child.dep == "agent" and passive:
                for agent in (thing for token in child.all("pobj") for thing in self._about.who(token)):
                    for thing in things:
                        self._draft.relate(agent, present_participle(verb), thing, negated=negated)
                        related = True
            elif is_object(child) and not passive:
                for target in self._about.who(child):
                    objects.append(target)
                    for thing in things:
                        self._draft.relate(thing, particle, target, negated=negated)
                        related = True
        relative = relative_object(verb)
        if relative is not None and not passive:
            preposition, noun = relative
            for target in self._about.who_alone(noun):
                for thing in things:
                    if thing is not target:
                        name = f"{particle} {preposition}".strip()
                        self._draft.relate(thing, name, target, negated=negated)
                        related = True
        for child in verb.children:
            if child.dep in ("prep", "dative", "agent") or is_place_adverb(child):
                if child.dep == "agent" and passive:
                    continue
                prefix = particle if not objects else ""
                # "has snow on it", "takes a leaf from a tree": it is the object that is there.
                there = objects if objects and (verb.lemma == "have" or child.text == "from") else things
                related |= self._relate_places(there, prefix, child, negated=negated)
        for child in verb.all("acomp", "oprd"):
            if child.pos == "ADJ":
                self._read_adjective(child, things, negated=negated)
        acts_on_nothing = not objects and not verb.has("dobj", "acomp")
        if not related and acts_on_nothing and verb.lemma not in ("be", "have", "do"):
            for thing in things:
                thing.say(particle, negated=negated)

    def _wearers(self, verb: Token, things: list[Thing]) -> list[Thing]:
        """Clothes do nothing: in "a man wearing a hat riding a bike" the man rides."""
        if is_passive(verb) or verb.lemma in STILL or verb.dep == "relcl":
            return things
        if not things or not all(self._vocabulary.is_a(thing.lemma, "clothing") for thing in things):
            return things
        worn = {self._draft.things.index(thing) for thing in things}
        wearers = [
            self._draft.things[subject]
            for subject, name, target in self._draft.relations
            if name == "wearing" and target in worn
        ]
        return list(dict.fromkeys(wearers)) or things

    def _worn(self, owner: Thing, phrase: str, thing: Thing) -> str:
        """ "a man in a hat" wears it."""
        clothed = phrase in ("in", "dressed in", "clad in") and self._vocabulary.is_a(thing.lemma, "clothing")
        animate = clothed and any(self._vocabulary.is_a(owner.lemma, kind) for kind in ("person", "animal"))
        return "wearing" if animate else phrase

    def _relate_places(self, things: list[Thing], verb: str, preposition: Token, *, negated: bool) -> bool:
        related = False
        for phrase, target in places(preposition):
            for place in self._about.who(target, but=things):
                for thing in things:
                    if thing is not place:
                        predicate = self._worn(thing, f"{verb} {phrase}".strip(), place)
                        self._draft.relate(thing, predicate, place, negated=negated)
                        related = True
        return related
