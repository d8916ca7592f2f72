"""Who is meant: the things that noun phrases, pronouns and the subjects of verbs stand for."""

from __future__ import annotations

from collections.abc import Sequence

from scenograph.scene.parsing.clauses import MAX_DEPTH, is_predicate_noun, joined, objects, own_subjects
from scenograph.scene.parsing.draft import Draft, Thing
from scenograph.scene.parsing.nouns import Nouns, is_group
from scenograph.scene.parsing.pronouns import antecedent
from scenograph.scene.parsing.tree import Token
from scenograph.scene.parsing.words import CONTROL, RELATIVE
from scenograph.scene.vocabulary import Vocabulary

MAX_THINGS = 200


class Reference:
    """The things of one text, by the tokens that name them."""

    def __init__(self, tokens: list[Token], nouns: Nouns, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.draft = Draft()
        self.things: dict[Token, Thing] = {}
        self._depth = 0
        for token in tokens:
            if nouns.is_thing(token) and not is_predicate_noun(token) and len(self.things) < MAX_THINGS:
                thing = nouns.read(token)
                self.things[token] = thing
                self.draft.things.append(thing)

    def owners(self, token: Token) -> list[Thing]:
        """The thing that the token itself names, else those it stands for."""
        return [self.things[token]] if token in self.things else self.who(token)

    def who(self, token: Token, *, but: Sequence[Thing] = ()) -> list[Thing]:
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
        for member in joined(token):
            if member in self.things:
                found.append(self.things[member])
            elif is_group(member):
                for inner in objects(member, "of"):
                    found += self.who(inner)
            elif member.text in RELATIVE and member.tag in ("WP", "WDT", "WP$", "IN"):
                found += self._relative(member)
            elif member.pos == "PRON" or member.tag == "PRP$":
                things = [thing for thing in self.draft.things if thing not in but]
                thing = antecedent(member, things, self.vocabulary)
                found += [thing] if thing else []
            elif is_predicate_noun(member):
                found += self.subjects(member.head)
        return list(dict.fromkeys(found))

    def _relative(self, token: Token) -> list[Thing]:
        for verb in token.above():
            if verb.dep == "relcl":
                return self.who_alone(verb.head)
        return []

    def who_alone(self, token: Token) -> list[Thing]:
        """Like `_who`, without those joined to it."""
        if token in self.things:
            # "a man and a woman who walk": with a plural verb it would be both; a caption rarely says.
            return [self.things[token]]
        return self.who(token)

    def subjects(self, verb: Token, depth: int = 0) -> list[Thing]:
        """The things that do what the verb says (or suffer it, in the passive)."""
        own = own_subjects(verb)
        if own:
            return [thing for token in own for thing in self.who(token)]
        head = verb.head
        if head is verb or depth > 20:
            return []
        if verb.dep in ("acl", "relcl", "amod"):
            return self.who_alone(head) if verb.dep != "acl" else self._who_shared(verb)
        if verb.dep in ("conj", "xcomp", "advcl", "ccomp", "pcomp", "dep", "acomp", "parataxis"):
            if head.pos in ("VERB", "AUX"):
                watched = verb.dep in ("xcomp", "ccomp") and verb.tag in ("VB", "VBG")
                if watched and head.has("dobj") and head.lemma not in CONTROL:
                    return [thing for token in head.all("dobj") for thing in self.who(token)]
                return self.subjects(head, depth + 1)
            if head in self.things or is_group(head):
                return self.who_alone(head)
            if head.dep in ("prep", "agent", "acomp", "advmod"):
                above = next((token for token in head.above() if token.pos in ("VERB", "AUX")), None)
                return self.subjects(above, depth + 1) if above else []
        return []

    def _who_shared(self, verb: Token) -> list[Thing]:
        """The nouns before a participle: both in "a man and a woman sitting"."""
        head = verb.head
        things = self.who_alone(head)
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
                things = [*self.who(first)]
        return things
