"""Around the neural parser's model: from a text and its token states to the model's inputs, and from the
model's scores to a scene graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scenograph.scene.graph import SceneGraph
from scenograph.scene.parsing.neural_decode import Fact, Reading, WordScores, decode
from scenograph.scene.parsing.neural_graph import GraphWriter
from scenograph.scene.parsing.neural_names import Names
from scenograph.scene.parsing.neural_words import Token, piece_weights, split_sentences, split_words
from scenograph.scene.parsing.spelling import Spelling
from scenograph.scene.vocabulary import Vocabulary

States = npt.NDArray[np.float32]
Spans = Sequence[tuple[int, int]]
Feeds = dict[str, npt.NDArray[np.float32] | npt.NDArray[np.int64]]

OUTPUTS = ("objects", "attributes", "owners", "relations", "verbs")
DENIALS = frozenset(
    {"no", "not", "none", "nothing", "nobody", "never", "neither", "nor", "without", "cannot", "'t", "’t"}
)
"""Words that deny; what they deny is read by the rules, for the training captions leave it out."""


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """One sentence of a text, as the model takes it.

    Shapes: states (T, D), weights (W, T), see `piece_weights`.
    """

    words: Sequence[Token]
    states: States
    weights: npt.NDArray[np.float32]


def denies(text: str) -> bool:
    """Whether something in the text is denied."""
    return any(word.text in DENIALS for word in split_words(text))


def read_sentences(text: str, spans: Spans, states: States) -> list[Sentence]:
    """The sentences of a text, as far as the text encoder read it; none where there is no word.

    `spans` are the code points of each word piece, empty for the special tokens at both ends.
    Shapes: T spans, states (T, D).
    """
    sentences = split_sentences(split_words(text))
    found = []
    for words in sentences:
        start, end = words[0].start, words[-1].end
        columns = [
            place
            for place, (first, last) in enumerate(spans)
            if first == last or (first < end and last > start) or len(sentences) == 1
        ]
        weights = piece_weights(words, [spans[column] for column in columns])
        read: npt.NDArray[np.bool_] = weights.sum(axis=1) > 0
        if read.any():
            kept = [word for word, known in zip(words, read, strict=True) if known]
            found.append(Sentence(kept, states[columns], weights[read]))
    return found


def feeds(sentences: Sequence[Sentence]) -> Feeds:
    """The model's inputs for a batch of sentences, padded to the longest.

    Shapes: lower (B, T, D), attention_mask (B, T), words (B, W, T).
    """
    count, longest = len(sentences), max(len(each.states) for each in sentences)
    lower = np.zeros((count, longest, sentences[0].states.shape[1]), dtype=np.float32)
    mask = np.zeros((count, longest), dtype=np.int64)
    words = np.zeros((count, max(len(each.words) for each in sentences), longest), dtype=np.float32)
    for row, each in enumerate(sentences):
        lower[row, : len(each.states)] = each.states
        mask[row, : len(each.states)] = 1
        words[row, : len(each.words), : len(each.states)] = each.weights
    return {"lower": lower, "attention_mask": mask, "words": words}


class NeuralReader:
    """What the scores of sentences say; misspelt names as what they mean ("chiar": chair)."""

    def __init__(self, names: Names, vocabulary: Vocabulary | None = None) -> None:
        vocabulary = vocabulary or Vocabulary.load()
        self._names = names
        self._named = frozenset(
            word
            for known in (names.objects, names.attributes, names.verbs)
            for said in known
            for word in said.split()
        )
        self._spelling = Spelling(vocabulary)
        self._writer = GraphWriter(vocabulary)

    def readings(
        self, sentences: Sequence[Sentence], outputs: Mapping[str, npt.NDArray[np.float32]]
    ) -> list[Reading]:
        """The reading of each sentence of a batch, from the model's outputs."""
        readings = []
        for row, each in enumerate(sentences):
            size = len(each.words)
            objects, attributes, owners, relations, verbs = (outputs[name][row] for name in OUTPUTS)
            scores = WordScores(
                objects[:size],
                attributes[:size],
                owners[:size, :size],
                relations[:size, :size],
                verbs[:size, :size, :size],
            )
            readings.append(decode(self._spelt(each), scores, self._names))
        return readings

    def _spelt(self, sentence: Sentence) -> list[str]:
        """Its words; those that the text encoder knows only in pieces, and no name is known of, mended."""
        whole = (sentence.weights > 0).sum(axis=1) == 1
        return [
            word.text if known or word.text in self._named else self._spelling.mend(word.text)
            for word, known in zip(sentence.words, whole.tolist(), strict=True)
        ]

    def graph(self, sentences: Sequence[Sentence], readings: Sequence[Reading]) -> SceneGraph:
        """The scene graph of a text, from the readings of its sentences."""
        return self._writer.write(
            (each.words, reading) for each, reading in zip(sentences, readings, strict=True)
        )


def facts(readings: Sequence[Reading]) -> frozenset[Fact]:
    """The facts of a text in FACTUAL's conventions: base forms, numbers as attributes."""
    stated = frozenset[Fact]().union(*(reading.facts() for reading in readings))
    return frozenset(fact for fact in stated if len(fact) == 3) or stated
