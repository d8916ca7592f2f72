"""Parser metrics: facts read and made, Set Match, SPICE-style F1."""

from __future__ import annotations

from collections.abc import Hashable

import pytest

from scenograph.metrics.lemmas import noun_lemmatiser
from scenograph.metrics.parsing import facts_of, read_facts, score_parser, set_match, spice_f1
from scenograph.scene.errors import InvalidInput
from scenograph.scene.graph import Attribute, Edge, Node, SceneGraph

GOLD = read_facts("( dogs , chase , ball ) , ( ball , is , red ) , ( dogs , is , 2 )")


def lemma(word: str) -> str:
    return {"dogs": "dog", "balls": "ball", "men": "man"}.get(word, word)


def test_facts_are_read_whatever_their_spacing() -> None:
    assert read_facts("(dogs, chase, ball),(ball , is,red) , ( dogs , is , 2 )") == GOLD
    assert read_facts(" ( urban  park ) ") == {("urban park",)}
    assert read_facts("") == frozenset()


def test_inner_commas_belong_to_the_predicate_and_pairs_are_attributes() -> None:
    assert read_facts("( sign , say , no , parking )") == {("sign", "say no", "parking")}
    assert read_facts("( ball , red )") == {("ball", "is", "red")}


@pytest.mark.parametrize("text", ["dog", "( dog", "( dog , , cat )", "( ( dog ) )", "( dog ) , ( )", "()"])
def test_what_is_no_graph_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_facts(text)


def test_a_graph_states_what_is_not_negated() -> None:
    graph = SceneGraph(
        nodes=(
            Node(
                "Dogs", lemma="dog", count=2, attributes=(Attribute("brown"), Attribute("big", negated=True))
            ),
            Node("ball", count=1),
            Node("cat", negated=True),
            Node("grass"),
        ),
        edges=(Edge(0, "chase", 1), Edge(0, "see", 2), Edge(1, "on", 3, negated=True)),
    )
    assert facts_of(graph) == {
        ("dogs", "is", "brown"),
        ("dogs", "is", "2"),
        ("dogs", "chase", "ball"),
        ("grass",),
    }


def test_labels_go_by_the_names_of_the_reference() -> None:
    graph = SceneGraph((Node("guy"), Node("Hat"), Node("dog")), (Edge(0, "wearing", 1),))
    assert facts_of(graph, name=lambda label: {"guy": "person"}.get(label, label)) == {
        ("person", "wear", "hat"),
        ("dog",),
    }


def test_set_match_wants_every_fact_and_no_other() -> None:
    assert set_match(GOLD, set(GOLD))
    assert not set_match(GOLD, GOLD | {("grass",)})
    assert not set_match(set(list(GOLD)[1:]), GOLD)
    singular = read_facts("( dog , chase , ball ) , ( ball , is , red ) , ( dog , is , 2 )")
    assert not set_match(singular, GOLD)
    assert set_match(singular, GOLD, lemma=lemma)


def test_f1_counts_objects_attributes_and_relations() -> None:
    # gold: dogs, ball, (ball red), (dogs 2), (dogs chase ball); found: dogs, ball, (ball red), (ball on dogs)
    found = read_facts("( ball , is , red ) , ( ball , on , dogs )")
    assert spice_f1(found, GOLD) == pytest.approx(2 * (3 / 4) * (3 / 5) / (3 / 4 + 3 / 5))
    assert spice_f1(GOLD, GOLD) == 1.0
    assert spice_f1(frozenset(), GOLD) == 0.0
    assert spice_f1(frozenset(), frozenset()) == 1.0


def test_an_object_alone_and_one_in_a_fact_are_the_same_object() -> None:
    assert spice_f1(read_facts("( dog )"), read_facts("( dog , is , brown )")) == pytest.approx(2 / 3)


def test_synonyms_match_one_to_one_after_equals() -> None:
    meanings: dict[str, set[Hashable]] = {"puppy": {1}, "dog": {1}, "hound": {1}}

    def synonyms(name: str) -> set[Hashable]:
        return meanings.get(name, {name})

    assert spice_f1({("puppy",)}, {("dog",)}, synonyms=synonyms) == 1.0
    assert spice_f1({("puppy",)}, {("dog",)}) == 0.0
    assert spice_f1({("puppy",), ("hound",)}, {("dog",)}, synonyms=synonyms) == pytest.approx(2 / 3)
    assert spice_f1({("puppy", "is", "wet")}, {("dog", "is", "wet")}, synonyms=synonyms) == 1.0
    assert spice_f1({("puppy", "is", "wet")}, {("dog", "is", "dry")}, synonyms=synonyms) == pytest.approx(0.5)


def test_a_parser_is_scored_by_means() -> None:
    score = score_parser([GOLD, frozenset()], [GOLD, GOLD])
    assert (score.captions, score.set_match, score.spice_f1) == (2, 0.5, 0.5)
    with pytest.raises(ValueError, match="no captions"):
        score_parser([], [])


def test_nouns_are_lemmatised_as_wordnet_does() -> None:
    noun = noun_lemmatiser(
        {"dog", "bus", "man", "baby", "glass", "glasses", "wife", "axe", "axis"},
        {"men": ["man"], "axes": ["axe", "axis"]},
        [("s", ""), ("ses", "s"), ("ves", "f"), ("ches", "ch"), ("men", "man"), ("ies", "y")],
    )
    words = {"dogs": "dog", "buses": "bus", "men": "man", "babies": "baby", "glasses": "glass", "axes": "axe"}
    assert {word: noun(word) for word in words} == words
    assert noun("running") == "running"
    assert noun("bus") == "bus"
