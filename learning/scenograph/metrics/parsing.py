"""Textual scene-graph parsers: Set Match and SPICE-style F1 over the facts that a graph states.

A fact is a tuple of names: `(object,)`, `(object, "is", attribute)` or `(subject, predicate, object)`.
Source of both metrics: Li et al. 2023, "FACTUAL: A Benchmark for Faithful and Consistent Textual Scene Graph
Parsing", and the evaluator published with it. It lemmatises every word but "is" of both graphs as a noun
(`scenograph.metrics.lemmas`); its F1 also accepts WordNet synonyms, which here are an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from scenograph.scene.errors import InvalidInput
from scenograph.scene.graph import SceneGraph
from scenograph.scene.parsing.neural_names import base_predicate

Fact = tuple[str, ...]
Facts = AbstractSet[Fact]
Lemma = Callable[[str], str]
"""The dictionary form of one word."""
Synonyms = Callable[[str], AbstractSet[Hashable]]
"""The meanings of a name; two names are synonyms where they share one."""

IS = "is"


def read_facts(text: str) -> frozenset[Fact]:
    """The facts of a graph written as `( dog , is , brown ) , ( dog , chase , ball ) , ( grass )`.

    Words between the first and the last comma of a fact belong to its predicate. Errors: InvalidInput where
    the text is not of this form.
    """
    spaced = text.replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split()
    if not spaced:
        return frozenset()
    if spaced[0] != "(" or spaced[-1] != ")":
        raise InvalidInput(f"a graph is written as ( subject , predicate , object ) , ..., not {text[:80]!r}")
    facts = set()
    for written in " ".join(spaced)[1:-1].split(") , ("):
        parts = [" ".join(part.split()) for part in written.split(",")]
        if "(" in written or ")" in written or not all(parts):
            raise InvalidInput(f"not a fact: {written.strip()!r} in {text[:80]!r}")
        facts.add(tuple(parts) if len(parts) <= 2 else (parts[0], " ".join(parts[1:-1]), parts[-1]))
    return frozenset((fact[0], IS, fact[1]) if len(fact) == 2 else fact for fact in facts)


def facts_of(graph: SceneGraph, *, name: Callable[[str], str] = str) -> frozenset[Fact]:
    """The facts of a parsed sentence, in FACTUAL's conventions.

    Objects by surface label, verbs in base form, a count above one as an attribute ("2"), an object alone
    only where no other fact names it; negated parts state nothing. `name` gives the name that the reference
    uses for an object's label ("guy": person).
    """
    facts: set[Fact] = set()
    labels = [name(node.label.lower()) for node in graph.nodes]
    for label, node in zip(labels, graph.nodes, strict=True):
        if not node.negated:
            facts |= {(label, IS, each.name) for each in node.attributes if not each.negated}
            if node.count > 1:
                facts.add((label, IS, str(node.count)))
    for edge in graph.edges:
        subject, object_ = graph.nodes[edge.subject], graph.nodes[edge.object]
        if not (edge.negated or subject.negated or object_.negated):
            facts.add((labels[edge.subject], base_predicate(edge.predicate), labels[edge.object]))
    named = {part for fact in facts for part in (fact[0], *(fact[2:] if fact[1] != IS else ()))}
    facts |= {
        (label,)
        for label, node in zip(labels, graph.nodes, strict=True)
        if not node.negated and label not in named
    }
    return frozenset(tuple(part.lower() for part in fact) for fact in facts)


def lemmatised(facts: Facts, lemma: Lemma) -> frozenset[Fact]:
    """The facts with each word in its dictionary form, except the "is" of an attribute."""
    return frozenset(
        tuple(part if part == IS else " ".join(map(lemma, part.split())) for part in fact) for fact in facts
    )


def set_match(candidate: Facts, reference: Facts, *, lemma: Lemma | None = None) -> bool:
    """Whether both graphs state exactly the same facts, in any order."""
    if lemma is not None:
        candidate, reference = lemmatised(candidate, lemma), lemmatised(reference, lemma)
    return candidate == reference


def spice_f1(
    candidate: Facts, reference: Facts, *, lemma: Lemma | None = None, synonyms: Synonyms | None = None
) -> float:
    """F1 in [0, 1] over the tuples of objects, attributes and relations; two empty graphs agree.

    Equal tuples match first; with `synonyms`, each tuple left then takes, in sorted order, the first free
    tuple of the reference whose every part shares a meaning with its own.  Source: Anderson et al. 2016
    (SPICE), section 3.2, as in Li et al. 2023.
    """
    if lemma is not None:
        candidate, reference = lemmatised(candidate, lemma), lemmatised(reference, lemma)
    found, wanted = _tuples(candidate), _tuples(reference)
    if not found and not wanted:
        return 1.0
    matches = len(found & wanted)
    if synonyms is not None:
        free = sorted(wanted - found)
        for each in sorted(found - wanted):
            same = next((other for other in free if _same_meaning(each, other, synonyms)), None)
            if same is not None:
                free.remove(same)
                matches += 1
    return 2 * matches / (len(found) + len(wanted))


def _tuples(facts: Facts) -> set[Fact]:
    """SPICE's tuples: (object), (object, attribute), (subject, predicate, object)."""
    tuples: set[Fact] = set()
    for fact in facts:
        tuples.add(fact[:1])
        if len(fact) == 3 and fact[1] == IS:
            tuples.add((fact[0], fact[2]))
        elif len(fact) == 3:
            tuples |= {fact, fact[2:]}
    return tuples


def _same_meaning(first: Fact, second: Fact, synonyms: Synonyms) -> bool:
    return len(first) == len(second) and all(
        not synonyms(one).isdisjoint(synonyms(other)) for one, other in zip(first, second, strict=True)
    )


@dataclass(frozen=True, slots=True)
class ParserScore:
    """Means over captions, in [0, 1]."""

    captions: int
    set_match: float
    spice_f1: float


def score_parser(
    candidates: Sequence[Facts],
    references: Sequence[Facts],
    *,
    lemma: Lemma | None = None,
    synonyms: Synonyms | None = None,
) -> ParserScore:
    """Both metrics over a set of captions. Errors: ValueError without captions or where the counts differ."""
    pairs: Iterable[tuple[Facts, Facts]] = zip(candidates, references, strict=True)
    both = [
        (set_match(found, wanted, lemma=lemma), spice_f1(found, wanted, lemma=lemma, synonyms=synonyms))
        for found, wanted in pairs
    ]
    if not both:
        raise ValueError("no captions")
    exact, partial = zip(*both, strict=True)
    return ParserScore(len(both), sum(exact) / len(both), sum(partial) / len(both))
