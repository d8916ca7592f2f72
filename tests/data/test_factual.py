"""FACTUAL's captions: files, labels of their words, and what the captions teach of names."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support import data_folder

from scenograph.data.factual import Caption, hold_out, read_factual
from scenograph.data.factual_forms import edits, find_name, verb_bases
from scenograph.data.factual_labels import Labeller, Saying
from scenograph.data.factual_names import learn_names
from scenograph.metrics.parsing import Fact
from scenograph.scene.errors import InvalidInput
from scenograph.scene.parsing.neural_names import VERB, Names

HEADER = "image_id,region_id,caption,scene_graph\n"


def caption(text: str, *facts: str) -> Caption:
    return Caption("1", text, frozenset(tuple(fact.split(" | ")) for fact in facts))


def rebuilt(labeller: Labeller, names: Names, one: Caption) -> frozenset[tuple[str, ...]]:
    """The facts that a caption's labels and the names give back."""
    labels = labeller.label(one.text, one.facts)

    def spoken(span: tuple[int, int]) -> str:
        return " ".join(labels.words[slice(*span)])

    facts: set[Fact] = {(names.object(spoken(o)), "is", names.attribute(spoken(a))) for a, o in labels.owned}
    for said in labels.relations.values():
        verb = names.verb(labels.words[said.verb]) if said.verb >= 0 else ""
        form = said.form.replace(VERB, verb, 1) if verb else said.form
        facts.add((names.object(spoken(said.subject)), form, names.object(spoken(said.object))))
    return frozenset(facts or {(names.object(spoken(span)),) for span in labels.objects})


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text(HEADER + '7,1,a red dog,"( dog , is , red )"\n8,2,a cat,( cat )\n')
    assert read_factual(path) == [
        Caption("7", "a red dog", frozenset({("dog", "is", "red")})),
        Caption("8", "a cat", frozenset({("cat",)})),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("image_id,caption\n", "scene_graph"),
        (HEADER + "7,1,a dog,dog\n", "row 1"),
        (None, "train.csv"),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, content: str | None, told: str) -> None:
    path = tmp_path / "train.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidInput, match=told):
        read_factual(path)


def test_held_out_pictures_are_held_out_whole() -> None:
    captions = [Caption(str(n // 3), f"dog {n}", frozenset()) for n in range(300)]
    train, held = hold_out(captions, 0.1)
    assert len(held) == 30 and len(train) == 270
    assert {one.image for one in train}.isdisjoint(one.image for one in held)
    assert hold_out(captions, 0.1) == (train, held)
    assert hold_out(captions, 0.1, seed=1)[1] != held


def test_names_are_found_the_surest_way() -> None:
    words = ["a", "cell", "phone", "and", "two", "giraffes", "on", "the", "gras"]
    assert find_name("cellphone", words, {}) == [(1, 3)]
    assert find_name("giraffe", words, {}) == [(5, 6)]
    assert find_name("grass", words, {}) == [(8, 9)]
    assert find_name("person", words, {}) == []
    assert find_name("person", words, {"person": ["cell phone"]}) == [(1, 3)]


def test_edits_are_counted_up_to_a_bound() -> None:
    assert edits("grass", "gras") == 1
    assert edits("kitten", "sitting", most=5) == 3
    assert edits("a", "abcdef") == 3


def test_verbs_of_words() -> None:
    for word, base in {"sitting": "sit", "worn": "wear", "carries": "carry", "snow-covered": "cover"}.items():
        assert base in verb_bases(word)


def test_labels_say_the_facts() -> None:
    one = caption(
        "two men sitting on a red bench", "men | is | 2", "bench | is | red", "men | sit on | bench"
    )
    labels = Labeller(Saying(attributes={"2": ["two"]})).label(one.text, one.facts)
    assert labels.objects == {(1, 2): "men", (6, 7): "bench"}
    assert labels.attributes == {(0, 1): "2", (5, 6): "red"}
    assert labels.owned == {((0, 1), (1, 2)), ((5, 6), (6, 7))}
    (said,) = labels.relations.values()
    assert (said.form, said.verb, said.base) == ("V on", 2, "sit")
    assert labels.missing == []


def test_turned_and_unsaid_relations() -> None:
    labels = Labeller(Saying()).label(
        "leg of the man in a hat", [("man", "have", "leg"), ("man", "wear", "hat")]
    )
    assert {(said.subject, said.object): said.form for said in labels.relations.values()} == {
        ((3, 4), (0, 1)): "have",
        ((3, 4), (6, 7)): "wear",
    }


def test_what_labels_cannot_say_is_missing() -> None:
    labeller = Labeller(Saying(), ["on"])
    missing = labeller.label("a dog", [("cat", "on", "mat"), ("dog", "is", "red")]).missing
    assert missing == [("object", "cat"), ("object", "mat"), ("attribute", "red")]
    assert labeller.label("dog by tree", [("dog", "by", "tree")]).missing == [("relation", "by")]
    overlap = labeller.label("bed on dog bed", [("bed", "on", "dog bed"), ("dog bed", "is", "bed")]).missing
    assert overlap == []
    nested = labeller.label("computer mouse", [("computer mouse", "on", "computer")]).missing
    assert nested == [("object", "computer mouse within computer")]


def test_captions_teach_names() -> None:
    verbs = {"sits": "sit", "seated": "sit", "parked": "park", "runs": "run"}
    captions = [
        *(
            caption(f"guy {word} on a side walk", f"person | {base} on | sidewalk")
            for word, base in verbs.items()
        ),
        *(
            caption(f"dog {word} on a side walk", f"dog | {base} on | sidewalk")
            for word, base in verbs.items()
        ),
    ] * 5
    labeller, names = learn_names(captions)
    assert names.object("guy") == "person" and names.object("side walk") == "sidewalk"
    assert "V on" in names.forms and names.forms[0] == ""
    for one in captions[:2]:
        assert rebuilt(labeller, names, one) == one.facts


@pytest.mark.data
def test_most_of_the_captions_can_be_said() -> None:
    captions = read_factual(data_folder("factual") / "train.csv")[:3000]
    labeller, names = learn_names(captions[:2500])
    held = captions[2500:]
    said = sum(rebuilt(labeller, names, one) == one.facts for one in held)
    assert said / len(held) > 0.9
