"""`negatives`: all the ways to make a caption false by one change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from scenograph.data.compositional.add import add_attributes, add_objects
from scenograph.data.compositional.corpus import Corpus
from scenograph.data.compositional.known import Known
from scenograph.data.compositional.negate import negations
from scenograph.data.compositional.negative import KINDS, Kind, Negative
from scenograph.data.compositional.replace import replace_attributes, replace_objects, replace_relations
from scenograph.data.compositional.sentence import Sentence
from scenograph.data.compositional.swap import swap_attributes, swap_objects
from scenograph.scene.graph import SceneGraph


def negatives(
    caption: str,
    graph: SceneGraph,
    rng: np.random.Generator,
    corpus: Corpus,
    *,
    also: Sequence[SceneGraph] = (),
    kinds: Sequence[Kind] = KINDS,
) -> list[Negative]:
    """One negative of each kind that the caption allows, chosen by `rng`; the same for the same state of it.

    `graph` is the caption's own, from `TextParser`. `also` are the graphs of the photo's other captions: what
    they say is true, so it is not made a negative, and attributes are added only where they are denied.
    Source: the kinds of SugarCrepe (Hsieh et al. 2023), and negation as in CREPE (Ma et al. 2023).
    """
    sentence = Sentence(caption, graph)
    known = Known((graph, *also), corpus)
    makers: dict[Kind, Callable[[], Iterator[Negative]]] = {
        "swap_object": lambda: swap_objects(sentence, corpus),
        "swap_attribute": lambda: swap_attributes(sentence, corpus),
        "replace_object": lambda: replace_objects(sentence, corpus, known, rng),
        "replace_attribute": lambda: replace_attributes(sentence, corpus, known, rng),
        "replace_relation": lambda: replace_relations(sentence, corpus, known, rng),
        "add_object": lambda: add_objects(sentence, corpus, known, rng),
        "add_attribute": lambda: add_attributes(sentence, corpus, known, rng, sure=bool(also)),
        "negate": lambda: negations(sentence),
    }
    found: list[Negative] = []
    for kind in kinds:
        options = [item for item in makers[kind]() if item.text.lower() != caption.lower()]
        if options:
            found.append(options[int(rng.integers(len(options)))])
    return found
