"""`TextParser`: sentences in, scene graphs out."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spacy.tokens import Doc

from scenograph.scene.errors import InvalidText
from scenograph.scene.graph import SceneGraph
from scenograph.scene.parsing.compounds import Word
from scenograph.scene.parsing.rewrite import prepare, reword
from scenograph.scene.parsing.sentence import SentenceReader
from scenograph.scene.parsing.tree import Token, read_tree
from scenograph.scene.vocabulary import Vocabulary

if TYPE_CHECKING:
    from spacy.language import Language

MAX_TEXT_CHARS = 2_000


def load_parser(path: Path) -> Language:
    """The spaCy pipeline of a pack's `parser/` folder, without the parts that the rules do not use."""
    import spacy

    return spacy.load(path, exclude=["ner"])


def check_text(text: str, *, field: str = "text") -> None:
    """Refuses what is no sentence.

    Errors: InvalidText (empty, blank, longer than MAX_TEXT_CHARS code points, lone surrogates).
    """
    if len(text) > MAX_TEXT_CHARS:
        raise InvalidText(
            f"a text may have {MAX_TEXT_CHARS} characters, this one has {len(text)}", field=field
        )
    if not _clean(text).strip():
        raise InvalidText("the text is empty", field=field)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise InvalidText("the text is not valid Unicode", field=field)


class TextParser:
    """Reads sentences with a spaCy pipeline (tagger, parser, lemmatizer).

    Deterministic. Blocking, and for one thread at a time.
    """

    def __init__(self, nlp: Language, vocabulary: Vocabulary | None = None) -> None:
        self._nlp = nlp
        self._vocabulary = vocabulary or Vocabulary.load()
        self._reader = SentenceReader(self._vocabulary)

    def parse(self, texts: Sequence[str]) -> list[SceneGraph]:
        """The scene graph of each text; spans count the code points of the text as given.

        Errors: InvalidText, for the first text that `check_text` refuses (field "texts[i]").
        """
        for index, text in enumerate(texts):
            check_text(text, field=f"texts[{index}]")
        sentences = [prepare(self._split(_clean(text)), self._vocabulary) for text in texts]
        trees = self._trees(sentences)
        again: dict[int, list[Word]] = {}
        for index, (words, tree) in enumerate(zip(sentences, trees, strict=True)):
            better = reword(words, tree, self._vocabulary)
            if better is not None:
                again[index] = better
        for index, tree in zip(again, self._trees(list(again.values())), strict=True):
            trees[index] = tree
        return [self._reader.read(tree) for tree in trees]

    def _split(self, text: str) -> list[Word]:
        doc = self._nlp.make_doc(text)
        return [Word(token.lower_, token.idx, token.idx + len(token)) for token in doc if not token.is_space]

    def _trees(self, sentences: list[list[Word]]) -> list[list[Token]]:
        docs = (Doc(self._nlp.vocab, words=[word.text for word in words]) for words in sentences)
        return [
            read_tree(doc, words)
            for doc, words in zip(self._nlp.pipe(docs, batch_size=64), sentences, strict=True)
        ]


def _clean(text: str) -> str:
    """The text with each control or format character as a space, so that places stay."""
    return "".join(
        " " if unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") else letter for letter in text
    )
