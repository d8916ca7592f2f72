"""The neural parser around its model: words, names, decoding of hand-made scores, graphs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from scenograph.metrics.parsing import facts_of
from scenograph.scene.errors import PackCorrupt
from scenograph.scene.graph import SceneGraph
from scenograph.scene.parsing.neural import OUTPUTS, NeuralReader, denies, facts, feeds, read_sentences
from scenograph.scene.parsing.neural_decode import WordScores, decode
from scenograph.scene.parsing.neural_graph import MAX_THINGS, GraphWriter
from scenograph.scene.parsing.neural_names import Names, base_form, base_predicate
from scenograph.scene.parsing.neural_words import MAX_WORDS, piece_weights, split_sentences, split_words
from scenograph.scene.vocabulary import Vocabulary, participle

NAMES = Names(
    ("", "on", "V on", "V", "wear"),
    objects={"side walk": "sidewalk", "guy": "person"},
    attributes={"two": "2", "wood": "wooden"},
    verbs={"sits": "sit", "worn": "wear"},
)


class Scored:
    """Scores of a sentence by which it says just what it is told to."""

    def __init__(self, words: str) -> None:
        self.words = words.split()
        size = len(self.words)
        self.scores = WordScores(
            np.tile(np.array([5.0, 0.0, 0.0], np.float32), (size, 1)),
            np.tile(np.array([5.0, 0.0, 0.0], np.float32), (size, 1)),
            np.full((size, size), -5, np.float32),
            np.zeros((size, size, len(NAMES.forms)), np.float32),
            np.zeros((size, size, size), np.float32),
        )
        self.scores.relations[..., 0] = 5

    def object(self, *words: int) -> Scored:
        return self._tag(self.scores.objects, words)

    def attribute(self, *words: int, of: Sequence[int] = ()) -> Scored:
        for owner in of:
            self.scores.owners[words[-1], owner] = 5
        return self._tag(self.scores.attributes, words)

    def relation(self, subject: int, form: str, target: int, verb: int | None = None) -> Scored:
        self.scores.relations[subject, target, NAMES.forms.index(form)] = 9
        if verb is not None:
            self.scores.verbs[subject, target, verb] = 9
        return self

    def facts(self) -> set[tuple[str, ...]]:
        return set(decode(self.words, self.scores, NAMES).facts())

    def graph(self) -> SceneGraph:
        text = " ".join(self.words)
        spans = [(0, 0), *((word.start, word.end) for word in split_words(text)), (0, 0)]
        sentences = read_sentences(text, spans, np.zeros((len(spans), 4), np.float32))
        reading = decode(self.words, self.scores, NAMES)
        return NeuralReader(NAMES).graph(sentences, [reading])

    def _tag(self, logits: np.ndarray, words: Sequence[int]) -> Scored:
        logits[words[0], 1] = 9
        for word in words[1:]:
            logits[word, 2] = 9
        return self


def test_objects_attributes_and_relations() -> None:
    said = Scored("two men sitting on a red bench").object(1).object(6)
    said.attribute(0, of=[1]).attribute(5, of=[6]).relation(1, "V on", 6, verb=2)
    assert said.facts() == {("men", "is", "2"), ("bench", "is", "red"), ("men", "sit on", "bench")}


def test_names_of_several_words_and_other_words() -> None:
    said = Scored("a guy on the side walk").object(1).object(4, 5).relation(1, "on", 5)
    assert said.facts() == {("person", "on", "sidewalk")}


def test_an_attribute_always_has_an_owner_and_may_have_several() -> None:
    said = Scored("two boys riding two horses").object(1).object(4)
    said.attribute(0, of=[1, 4])
    assert said.facts() == {("boys", "is", "2"), ("horses", "is", "2")}
    alone = Scored("red boys").object(1).attribute(0)
    assert alone.facts() == {("boys", "is", "red")}


def test_objects_stand_alone_only_without_other_facts() -> None:
    assert Scored("a dog and a cat").object(1).object(4).facts() == {("dog",), ("cat",)}


def test_an_object_of_which_nothing_is_said_gets_its_likeliest_relation() -> None:
    said = Scored("a red dog by a tree").object(2).object(5).attribute(1, of=[2])
    assert said.facts() == {("dog", "is", "red")}
    said.scores.relations[2, 5, NAMES.forms.index("on")] = 5 + np.log(0.3)  # 0.3 times as likely as none
    assert said.facts() == {("dog", "is", "red"), ("dog", "on", "tree")}
    said.scores.relations[5, 2, NAMES.forms.index("wear")] = 5 + np.log(0.4)
    assert said.facts() == {("dog", "is", "red"), ("tree", "wear", "dog")}


def test_a_relation_that_is_less_likely_than_none_is_not_read_of_what_has_another() -> None:
    said = Scored("a red dog by a red tree").object(2).object(6).attribute(1, of=[2]).attribute(5, of=[6])
    said.scores.relations[2, 6, NAMES.forms.index("on")] = 4.9
    assert said.facts() == {("dog", "is", "red"), ("tree", "is", "red")}


def test_an_object_before_another_is_a_part_of_its_name_if_nothing_is_said_of_it() -> None:
    said = Scored("pigeons on plaza grounds").object(0).object(2).object(3)
    said.scores.objects[3] = (0, 9, 0)
    said.relation(0, "on", 3)
    graph = said.graph()
    assert [node.label for node in graph.nodes] == ["pigeons", "grounds"]
    assert [(edge.subject, edge.predicate, edge.object) for edge in graph.edges] == [(0, "on", 1)]
    said.attribute(1, of=[2])
    assert [node.label for node in said.graph().nodes] == ["pigeons", "plaza", "grounds"]


def test_names_one_after_the_other_are_all_objects() -> None:
    said = Scored("dog frisbee beach").object(0).object(1).object(2)
    said.scores.objects[1:, 1] = 9
    assert [node.label for node in said.graph().nodes] == ["dog", "frisbee", "beach"]


def test_something_is_named_where_nothing_is_tagged() -> None:
    said = Scored(". dog the")
    said.scores.objects[1, 1] = 4
    assert said.facts() == {("dog",)}
    assert Scored("!").facts() == {("!",)}


def test_a_tag_that_goes_on_without_a_beginning_begins() -> None:
    said = Scored("the dog")
    said.scores.objects[1, 2] = 9
    assert said.facts() == {("dog",)}


def test_no_words_say_nothing() -> None:
    nothing = decode([], Scored("a").scores, NAMES)
    assert nothing.objects == () and nothing.facts() == frozenset()


def test_the_graph_counts_and_keeps_spans() -> None:
    said = Scored("two puppies sitting on a wood bench").object(1).object(6)
    said.attribute(0, of=[1]).attribute(5, of=[6]).relation(1, "V on", 6, verb=2)
    graph = said.graph()
    puppies, bench = graph.nodes
    assert (puppies.label, puppies.lemma, puppies.count, puppies.attributes) == ("puppies", "puppy", 2, ())
    assert [attribute.name for attribute in bench.attributes] == ["wooden"]
    assert puppies.span is not None and (puppies.span.start, puppies.span.end) == (4, 11)
    assert [(e.subject, e.predicate, e.object) for e in graph.edges] == [(0, "sitting on", 1)]


def test_a_passive_keeps_its_form_and_an_unsaid_verb_is_named() -> None:
    parked = Scored("bus parked on street").object(0).object(3).relation(0, "V on", 3, verb=1)
    assert [edge.predicate for edge in parked.graph().edges] == ["parked on"]
    worn = Scored("man in hat").object(0).object(2).relation(0, "wear", 2)
    assert [edge.predicate for edge in worn.graph().edges] == ["wearing"]


def test_feet_are_two_but_not_counted() -> None:
    graph = Scored("feet").object(0).attribute(0, of=[0]).graph()
    assert graph.nodes[0].count == 0 and graph.nodes[0].attributes == ()


@pytest.mark.parametrize(("group", "count"), [("group of", 0), ("slice", 0), ("pair of", 2)])
def test_groups_and_pieces_are_attributes_and_pairs_are_counts(group: str, count: int) -> None:
    said = Scored(f"{group} people").attribute(*range(len(group.split())), of=[len(group.split())])
    said.object(len(group.split()))
    (node,) = said.graph().nodes
    assert (node.label, node.count) == ("people", count)
    assert [attribute.name for attribute in node.attributes] == ([] if count else [group])


def test_what_things_are_to_each_other_is_a_relation_of_their_node_to_itself() -> None:
    said = Scored("two giraffes sitting on each other").object(1).attribute(0, of=[1])
    said.relation(1, "V on", 1, verb=2)
    graph = said.graph()
    assert [(node.lemma, node.count) for node in graph.nodes] == [("giraffe", 2)]
    assert [(edge.subject, edge.predicate, edge.object) for edge in graph.edges] == [(0, "sitting on", 0)]
    assert facts_of(graph) == said.facts() == {("giraffes", "is", "2"), ("giraffes", "sit on", "giraffes")}


def test_a_pronoun_does_not_make_a_thing_relate_to_itself() -> None:
    said = Scored("a man , he sits on him").object(1).object(3).object(6).relation(3, "on", 6)
    assert said.graph().edges == ()


def test_one_is_a_count_though_no_attribute() -> None:
    said = Scored("one small dog and four people").object(2).object(5).attribute(1, of=[2])
    said.attribute(4, of=[5])
    assert [(node.lemma, node.count) for node in said.graph().nodes] == [("dog", 1), ("people", 4)]


def test_a_text_names_no_more_things_than_it_may() -> None:
    said = Scored(" ".join(["dog"] * 300))
    for place in range(300):
        said.object(place)
    said.relation(0, "on", 299)
    reading = decode(said.words, said.scores, NAMES)
    graph = GraphWriter(Vocabulary.load()).write([(split_words(" ".join(said.words)), reading)])
    assert len(graph.nodes) == MAX_THINGS and graph.edges == ()


def test_a_pronoun_is_whom_it_means() -> None:
    said = Scored("a man on a bench , he sits").object(1).object(4).object(6).relation(6, "on", 4)
    graph = said.graph()
    assert [node.label for node in graph.nodes] == ["man", "bench"]
    assert [(edge.subject, edge.object) for edge in graph.edges] == [(0, 1)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A man's T-shirt.", ["a", "man", "'s", "t-shirt", "."]),
        ("10:30, 2nd floor", ["10:30", ",", "2nd", "floor"]),
        ("ein Café — naïve!", ["ein", "café", "—", "naïve", "!"]),
        ("  \n", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    found = split_words(text)
    assert [word.text for word in found] == words
    assert all(text[word.start : word.end].lower() == word.text for word in found)


def test_sentences_end_at_signs_and_at_the_limit() -> None:
    words = split_words("a dog . a cat ! . " + "very " * (MAX_WORDS + 1))
    assert [len(sentence) for sentence in split_sentences(words)] == [3, 3, MAX_WORDS, 1]


def test_pieces_of_words() -> None:
    words = split_words("snowboarder jumps")
    weights = piece_weights(words, [(0, 0), (0, 4), (4, 11), (12, 17), (0, 0)])
    assert weights.tolist() == [[0, 0.5, 0.5, 0, 0], [0, 0, 0, 1, 0]]


def test_a_long_text_is_read_by_sentence_as_far_as_the_encoder_went() -> None:
    text = "a dog . a cat sleeps"
    spans = [(0, 0), (0, 1), (2, 5), (6, 7), (8, 9), (10, 13), (0, 0)]  # "sleeps" was cut off
    states = np.arange(len(spans), dtype=np.float32)[:, None]
    first, second = read_sentences(text, spans, states)
    assert [word.text for word in first.words] == ["a", "dog", "."]
    assert [word.text for word in second.words] == ["a", "cat"]
    assert first.states.ravel().tolist() == [0, 1, 2, 3, 6] and second.states.ravel().tolist() == [0, 4, 5, 6]
    batch = feeds([first, second])
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]]
    assert batch["words"].shape == (2, 3, 5)
    assert batch["words"].sum(axis=2).tolist() == [[1, 1, 1], [1, 1, 0]]


def test_only_words_that_the_encoder_reads_in_pieces_are_mended() -> None:
    text = "chiar on chiar"
    scores = Scored(text).object(0).object(2).relation(0, "on", 2).scores
    outputs = {name: getattr(scores, name)[None] for name in OUTPUTS}
    spans = [(0, 0), (0, 2), (2, 5), (6, 8), (9, 14), (0, 0)]  # as if the second one were a word of its own
    sentences = read_sentences(text, spans, np.zeros((len(spans), 4), np.float32))
    (reading,) = NeuralReader(NAMES).readings(sentences, outputs)
    assert reading.facts() == {("chair", "on", "chiar")}
    (known,) = NeuralReader(Names(NAMES.forms, {"chiar": "chiar"})).readings(sentences, outputs)
    assert known.facts() == {("chiar", "on", "chiar")}


def test_facts_of_several_sentences() -> None:
    readings = [
        decode(said.words, said.scores, NAMES)
        for said in (
            Scored("a dog").object(1),
            Scored("man in hat").object(0).object(2).relation(0, "wear", 2),
        )
    ]
    assert facts(readings) == {("man", "wear", "hat")}
    assert facts(readings[:1]) == {("dog",)}


def test_denials() -> None:
    assert denies("trees without leaves") and denies("it isn't red") and denies("No dogs")
    assert not denies("a knot in a note")


@pytest.mark.parametrize(
    ("word", "base"),
    [
        *[("chasing", "chase"), ("stopped", "stop"), ("carries", "carry"), ("walking", "walk")],
        *[("lounging", "lounge"), ("arranged", "arrange"), ("plunging", "plunge"), ("hanging", "hang")],
        *[("decorated", "decorate"), ("passes", "pass"), ("skiing", "ski"), ("red", "red")],
    ],
)
def test_base_forms(word: str, base: str) -> None:
    assert base_form(word) == base


@pytest.mark.parametrize(
    "verb", ["sit", "hang", "ride", "lay", "tie", "cross", "float", "wear", "have", "cover"]
)
def test_participles_go_back_to_their_verbs(verb: str) -> None:
    assert base_predicate(f"{participle(verb)} on") == f"{verb} on"


def test_predicates_in_base_form() -> None:
    assert base_predicate("parked on") == "park on"
    assert base_predicate("on top of") == "on top of"
    assert base_predicate("along") == "along"


def test_names_are_kept_as_written(tmp_path: Path) -> None:
    NAMES.save(tmp_path / "names.json")
    assert Names.load(tmp_path / "names.json") == NAMES
    (tmp_path / "names.json").write_text("{}")
    with pytest.raises(PackCorrupt, match=r"names\.json"):
        Names.load(tmp_path / "names.json")
