"""What each token of a caption is there for, by its part of speech: what attention is taught with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenograph.packs.build.sources import PARSER
from scenograph.prep import Tokenizer

OTHER, THING, BETWEEN = 0, 1, 2
ROLES = {
    **dict.fromkeys(("NOUN", "PROPN", "ADJ", "NUM"), THING),
    **dict.fromkeys(("VERB", "ADP", "ADV", "PART"), BETWEEN),
}
_TAGGING = ("tok2vec", "tagger", "attribute_ruler")


def token_roles(captions: Sequence[str], tokenizer: Tokenizer) -> NDArray[np.int8]:
    """The role of every token of every caption, one caption after the other.

    1 for names of things and what they are like, 2 for what happens between them, 0 for all else.
    """
    import spacy

    tagger = spacy.load(PARSER.file("description").parent)
    tagger.select_pipes(enable=_TAGGING)
    roles = [
        _roles(document, spans)
        for document, spans in zip(
            tagger.pipe(captions, batch_size=256), tokenizer.encode_batch(captions).spans, strict=True
        )
    ]
    return np.concatenate(roles)


def _roles(document: Any, spans: Sequence[tuple[int, int]]) -> NDArray[np.int8]:
    by_letter = np.zeros(len(document.text) + 1, np.int8)
    for word in document:
        by_letter[word.idx : word.idx + len(word)] = ROLES.get(word.pos_, OTHER)
    return np.array([by_letter[start] if stop > start else OTHER for start, stop in spans], np.int8)
