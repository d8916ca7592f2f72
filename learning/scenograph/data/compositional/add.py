"""Negatives that add an object or an attribute that is not there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scenograph.data.compositional.choice import weighted_order
from scenograph.data.compositional.corpus import Corpus
from scenograph.data.compositional.known import Known
from scenograph.data.compositional.negative import Negative
from scenograph.data.compositional.sentence import Sentence, article

FAR = 0.3
SEEN = 3
_PLACES = ("next to", "near", "beside")
_ADDED = ("animal", "vehicle", "sports equipment", "toy", "furniture", "person")
_NOWHERE = frozenset(
    ("background", "foreground", "air", "distance", "front", "back", "top", "day", "night", "time")
)


def add_objects(
    sentence: Sentence, corpus: Corpus, known: Known, rng: np.random.Generator
) -> Iterator[Negative]:
    """ "A dog runs on a beach ." -> "A dog runs on a beach near a boat ."."""
    stop = len(sentence.words)
    while stop and not sentence.word(stop - 1)[:1].isalnum():
        stop -= 1
    last = next((phrase for phrase in sentence.phrases if phrase is not None and phrase.stop == stop), None)
    if last is None or any(word.text == "." for word in sentence.words[:stop]):
        return
    if sentence.graph.nodes[last.node].name in _NOWHERE or not corpus.kind(
        sentence.graph.nodes[last.node].name
    ):
        return
    together = corpus.seen_with[sentence.graph.nodes[last.node].name]
    options = {
        label: together[corpus.lemmas[label]]
        for kind in _ADDED
        for label in corpus.by_kind[kind, False]
        if together[corpus.lemmas[label]] >= 2
        and corpus.determiners[label]["a"] >= SEEN
        and not corpus.words.is_a(label, "group")
    }
    for label in weighted_order(options, rng):
        if known.near(corpus.lemmas[label], FAR):
            continue
        added = f"{_PLACES[int(rng.integers(len(_PLACES)))]} {article(label)} {label}"
        place = sentence.words[stop - 1].end
        yield Negative("add_object", sentence.edited([(place, place, f" {added}")]), "", added)
        return


def add_attributes(
    sentence: Sentence, corpus: Corpus, known: Known, rng: np.random.Generator, *, sure: bool
) -> Iterator[Negative]:
    """ "a dog" -> "a white dog"; with `sure` only where another caption says what excludes it."""
    bare = [phrase for phrase in sentence.phrases if phrase is not None and phrase.inside == phrase.noun]
    phrases = [phrase for phrase in bare if phrase.determiner]
    for place in rng.permutation(len(phrases)).tolist():
        phrase = phrases[place]
        node = sentence.graph.nodes[phrase.node]
        if any(other.name == node.name for other in sentence.graph.nodes if other is not node):
            continue
        options = {
            other: count
            for other, count in corpus.attributes[node.name].items()
            if corpus.usual(node.name, other)
        }
        for other in weighted_order(options, rng):
            if known.said(node.name, other) or (sure and not known.denied(node.name, other)):
                continue
            if any(corpus.contradicts(other, item.name) for item in node.attributes):
                continue
            where = sentence.words[phrase.noun].start
            text = sentence.edited([(where, where, f"{other} ")])
            yield Negative("add_attribute", text, "", f"{other} {node.label}")
            break
