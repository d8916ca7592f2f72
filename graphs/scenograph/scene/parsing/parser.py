"""`TextParser`: sentences in, scene graphs out."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scenograph.scene.errors import InvalidText
from scenograph.scene.graph import SceneGraph
from scenograph.scene.parsing.sentence import SentenceReader
from scenograph.scene.parsing.tree import read_tree
from scenograph.scene.vocabulary import Vocabulary

if TYPE_CHECKING:
    from spacy.language import Language

MAX_TEXT_CHARS = 2_000


def load_parser(path: Path) -> Language:
    """The spaCy pipeline of a pack's `parser/` folder, without the parts that the rules do not use."""
    import spacy

    return spacy.load(path, exclude=["ner"])


def check_text(text: str, *, field: str = "text") -> None:
    """Errors: InvalidText for a text that is empty, blank, longer than MAX_TEXT_CHARS code points, or holds lone surrogates."""
    if len(text) > MAX_TEXT_CHARS:
        raise InvalidText(f"a text may have {MAX_TEXT_CHARS} characters, this one has {len(text)}", field=field)
    if not _clean(text).strip():
        raise InvalidText("the text is empty", field=field)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise InvalidText("the text is not valid Unicode", field=field)


class TextParser:
    """Reads sentences with a spaCy pipeline (tagger, parser, lemmatizer). Deterministic; blocking; one thread at a time."""

    def __init__(self, nlp: Language, vocabulary: Vocabulary | None = None) -> None:
        self._nlp = nlp
        self._reader = SentenceReader(vocabulary or Vocabulary.load())

    def parse(self, texts: Sequence[str]) -> list[SceneGraph]:
        """The scene graph of each text; spans count the code points of the text as given.

        Errors: InvalidText, for the first text that `check_text` refuses (field "texts[i]").
        """
        for index, text in enumerate(texts):
            check_text(text, field=f"texts[{index}]")
        docs = self._nlp.pipe([_clean(text) for text in texts], batch_size=64)
        return [self._reader.read(read_tree(doc)) for doc in docs]


def _clean(text: str) -> str:
    """The text with each control or format character as a space, so that places stay."""
    return "".join(" " if unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") else letter for letter in text)
