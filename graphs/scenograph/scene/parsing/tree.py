"""A dependency tree of plain tokens, taken from spaCy so that rules can repair it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenograph.scene.parsing.compounds import Word

if TYPE_CHECKING:
    from spacy.tokens import Doc


@dataclass(slots=True, eq=False)
class Token:
    """One word: text in lower case, lemma, part of speech, relation to its head, place in the sentence.

    `prefix` holds the words before it that are part of its name ("fire" of "hydrant").
    """

    index: int
    text: str
    lemma: str
    pos: str
    tag: str
    dep: str
    start: int
    end: int
    prefix: str = ""
    head: Token = field(init=False, repr=False)
    children: list[Token] = field(default_factory=list, repr=False)

    def all(self, *deps: str) -> list[Token]:
        """The children with one of these relations, in order."""
        return [child for child in self.children if child.dep in deps]

    def has(self, *deps: str) -> bool:
        """Whether a child stands in one of these relations."""
        return any(child.dep in deps for child in self.children)

    def attach(self, head: Token, dep: str) -> None:
        """Moves this token (with what hangs on it) under another head."""
        if self.head is not self:
            self.head.children.remove(self)
        self.head, self.dep = head, dep
        if head is not self:
            head.children.append(self)
            head.children.sort(key=lambda child: child.index)

    def above(self) -> Iterator[Token]:
        """The heads, nearest first."""
        token = self
        while token.head is not token:
            token = token.head
            yield token

    @property
    def name(self) -> str:
        """The word with its prefix."""
        return f"{self.prefix} {self.text}" if self.prefix else self.text

    @property
    def plural(self) -> bool:
        """Whether it is a plural noun."""
        return self.tag in ("NNS", "NNPS") or self.text in ("people", "men", "women", "children")


def read_tree(doc: Doc, words: Sequence[Word]) -> list[Token]:
    """The tokens of a parsed document, made of those words."""
    tokens = [
        Token(
            token.i,
            token.lower_,
            token.lemma_.lower(),
            token.pos_,
            token.tag_,
            token.dep_,
            word.start,
            word.end,
            word.prefix,
        )
        for token, word in zip(doc, words, strict=True)
    ]
    for token, source in zip(tokens, doc, strict=True):
        token.head = tokens[source.head.i]
        token.children = [tokens[child.i] for child in source.children]
    return tokens
