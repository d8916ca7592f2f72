"""Negatives of sentences whose graphs are written out: what changes, what stays, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from scenograph.data.compositional import KINDS, Corpus, Kind, Negative, negatives
from scenograph.data.compositional.relations import is_symmetric, verb_form
from scenograph.data.compositional.sentence import Sentence, article
from scenograph.scene.graph import Attribute, Edge, Node, SceneGraph, Span

Said = tuple[str, SceneGraph]


def node(text: str, label: str, *attributes: str, lemma: str = "", nth: int = 0) -> Node:
    """The n-th time that the label is in the text."""
    start = -1
    for _ in range(nth + 1):
        start = text.lower().index(label, start + 1)
    names = tuple(Attribute(name) for name in attributes)
    return Node(label, lemma or label, names, span=Span(start, start + len(label)))


def caption(text: str, nodes: list[tuple[str, ...]], *edges: tuple[int, str, int]) -> Said:
    """A caption and its graph: nodes are (label, attribute, ...), each at its next place in the text."""
    seen: dict[str, int] = {}
    made = []
    for label, *attributes in nodes:
        made.append(node(text, label, *attributes, lemma=LEMMAS.get(label, label), nth=seen.get(label, 0)))
        seen[label] = seen.get(label, 0) + 1
    return text, SceneGraph(tuple(made), tuple(Edge(*edge) for edge in edges))


LEMMAS = {"dogs": "dog", "cats": "cat", "balls": "ball", "women": "woman", "men": "man"}
CHASE = caption("A brown dog chases a white cat .", [("dog", "brown"), ("cat", "white")], (0, "chasing", 1))
SHIRTS = caption(
    "A man in a blue shirt holds an orange ball .",
    [("man",), ("shirt", "blue"), ("ball", "orange")],
    (0, "wearing", 1),
    (0, "holding", 2),
)
JUMP = caption("A dog jumps over a log .", [("dog",), ("log",)], (0, "jumping over", 1))


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Captions of which the words of negatives come: each said often enough to be trusted."""
    said: list[Said] = [CHASE, SHIRTS, JUMP]
    for colour in ("black", "white", "brown", "blue", "red", "orange", "yellow") * 2:
        for thing in ("dog", "cat", "ball", "shirt", "hat"):
            text = f"A {colour} {thing} is on a bench ."
            said.append(caption(text, [(thing, colour), ("bench",)], (0, "on", 1)))
    for _ in range(4):
        said += [
            caption("A cat chases a dog .", [("cat",), ("dog",)], (0, "chasing", 1)),
            caption("A dog sits on a log .", [("dog",), ("log",)], (0, "sitting on", 1)),
            caption("A woman holds a frisbee .", [("woman",), ("frisbee",)], (0, "holding", 1)),
            caption("A horse jumps over a fence .", [("horse",), ("fence",)], (0, "jumping over", 1)),
            caption("A dog runs near a bench .", [("dog",), ("bench",)], (0, "running near", 1)),
            caption("A woman wears a red hat .", [("woman",), ("hat", "red")], (0, "wearing", 1)),
            caption("A car is near a log .", [("car",), ("log",)], (0, "near", 1)),
            caption("Two dogs chase two cats .", [("dogs",), ("cats",)], (0, "chasing", 1)),
        ]
    return Corpus.of([text for text, _ in said], [graph for _, graph in said])


def made(said: Said, kind: Kind, corpus: Corpus, also: tuple[SceneGraph, ...] = ()) -> list[Negative]:
    """All that ten seeds make, each once."""
    found = [
        item
        for seed in range(10)
        for item in negatives(*said, np.random.default_rng(seed), corpus, also=also, kinds=(kind,))
    ]
    return list(dict.fromkeys(found))


def test_objects_swap_around_a_relation(corpus: Corpus) -> None:
    assert [item.text for item in made(CHASE, "swap_object", corpus)] == ["A white cat chases a brown dog ."]


def test_symmetric_relations_are_not_swapped(corpus: Corpus) -> None:
    beside = caption(
        "A brown dog sits beside a white cat .",
        [("dog", "brown"), ("cat", "white")],
        (0, "sitting beside", 1),
    )
    assert is_symmetric("sitting beside") and not is_symmetric("sitting behind")
    assert made(beside, "swap_object", corpus) == []


def test_objects_that_cannot_stand_for_each_other_are_not_swapped(corpus: Corpus) -> None:
    assert made(JUMP, "swap_object", corpus) == []  # no caption has a log that jumps
    many = caption("A dog chases two cats .", [("dog",), ("cats",)], (0, "chasing", 1))
    assert made(many, "swap_object", corpus) == []  # "Two cats chases": the verb would not agree


def test_attributes_swap_with_their_articles(corpus: Corpus) -> None:
    found = made(SHIRTS, "swap_attribute", corpus)
    assert [item.text for item in found] == ["A man in an orange shirt holds a blue ball ."]
    assert {item.text for item in made(CHASE, "swap_attribute", corpus)} == {
        "A white dog chases a brown cat ."
    }


def test_attributes_of_a_mere_list_are_not_swapped(corpus: Corpus) -> None:
    pair = caption("A brown dog and a white dog .", [("dog", "brown"), ("dog", "white")])
    assert made(pair, "swap_attribute", corpus) == []


def test_replaced_object_is_of_like_kind_and_elsewhere_unsaid(corpus: Corpus) -> None:
    texts = {item.text for item in made(CHASE, "replace_object", corpus)}
    assert "A brown cat chases a white cat ." not in texts  # a cat is in the caption
    assert texts and all(item.kind == "replace_object" for item in made(CHASE, "replace_object", corpus))
    hats = {item.after for item in made(SHIRTS, "replace_object", corpus)}
    assert hats <= {"hat", "frisbee", "woman"} and "hat" in hats
    worn = SceneGraph((Node("hat"),))
    assert "hat" not in {item.after for item in made(SHIRTS, "replace_object", corpus, (worn,))}


def test_replaced_attribute_contradicts(corpus: Corpus) -> None:
    found = made(CHASE, "replace_attribute", corpus)
    assert found
    for item in found:
        assert item.text == CHASE[0].replace(item.before, item.after, 1)
        assert corpus.words.contradicts(item.before, item.after)
    black = SceneGraph((Node("dog", attributes=(Attribute("black"),)),))
    later = made(CHASE, "replace_attribute", corpus, (black,))
    assert not any(item.before == "brown" and item.after == "black" for item in later)


def test_replaced_relation_keeps_the_form_of_the_verb(corpus: Corpus) -> None:
    assert {item.text for item in made(JUMP, "replace_relation", corpus)} == {"A dog sits on a log ."}
    assert (verb_form("runs", "running"), verb_form("run", "running"), verb_form("running", "running")) == (
        "s",
        "base",
        "ing",
    )
    assert verb_form("dog", "running") == ""


def test_added_object_is_new(corpus: Corpus) -> None:
    found = made(JUMP, "add_object", corpus)
    assert found
    for item in found:
        assert item.text == f"A dog jumps over a log {item.after} ." and item.after.endswith("car")
    parked = SceneGraph((Node("car"),))
    assert made(JUMP, "add_object", corpus, (parked,)) == []


def test_added_attribute_is_denied_by_another_caption(corpus: Corpus) -> None:
    brown = SceneGraph((Node("dog", attributes=(Attribute("brown"),)),))
    found = made(JUMP, "add_attribute", corpus, (brown,))
    assert found and "brown" not in {item.after.split()[0] for item in found}
    assert all(item.text == f"A {item.after} jumps over a log ." for item in found)
    unsaid = SceneGraph((Node("tree"),))
    assert made(JUMP, "add_attribute", corpus, (unsaid,)) == []  # nothing says what the dog is not


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (caption("A dog is on a log .", [("dog",), ("log",)], (0, "on", 1)), "A dog is not on a log ."),
        (
            caption("A man with a hat", [("man",), ("hat",)], (0, "with", 1)),
            "A man without a hat",
        ),
        (
            caption("a man riding a horse", [("man",), ("horse",)], (0, "riding", 1)),
            "a man not riding a horse",
        ),
    ],
)
def test_denials(said: Said, expected: str, corpus: Corpus) -> None:
    assert [item.text for item in made(said, "negate", corpus)] == [expected]


def test_what_denies_already_is_not_denied_again(corpus: Corpus) -> None:
    bare = caption("A man without a hat is on a horse", [("man",), ("hat",), ("horse",)], (0, "on", 2))
    assert made(bare, "negate", corpus) == []


def test_the_same_seed_makes_the_same(corpus: Corpus) -> None:
    one, two = (negatives(*CHASE, np.random.default_rng(5), corpus) for _ in range(2))
    assert one == two and {item.kind for item in one} <= set(KINDS) and len(one) >= 4


def test_no_negative_is_the_caption(corpus: Corpus) -> None:
    for said in (CHASE, SHIRTS, JUMP):
        for kind in KINDS:
            assert all(item.text.lower() != said[0].lower() for item in made(said, kind, corpus))


def test_articles() -> None:
    words = ["apple", "hat", "hour", "uniform", "umbrella", "one", "orange"]
    assert [article(word) for word in words] == ["an", "a", "an", "a", "an", "a", "an"]
    sentence = Sentence("An old man and a dog", SceneGraph())
    assert sentence.edited([(3, 6, "young")]) == "A young man and a dog"
    assert sentence.edited([(17, 20, "owl")]) == "An old man and an owl"


def test_only_a_clause_is_denied(corpus: Corpus) -> None:
    """ "go ice not skating" would be no English."""
    skating = caption("Two men go ice skating on a log", [("men",), ("log",)], (0, "skating on", 1))
    assert made(skating, "negate", corpus) == []
