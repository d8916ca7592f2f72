"""What captions say of regions, and what that teaches."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scenograph.data.region_labels import Meeting, Told
from scenograph.data.region_words import choose_words, name_targets, word_targets
from scenograph.scene.graph import Attribute, Edge, Node, SceneGraph
from scenograph.scene.vocabulary import Vocabulary

VOCABULARY = Vocabulary.load()
MEETING = Meeting(VOCABULARY.object_names, VOCABULARY)


def _seen(*names: str, score: float = 0.9) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Regions of these classes, side by side and of one size."""
    scores = np.zeros((len(names), len(VOCABULARY.object_names)), np.float32)
    for row, name in enumerate(names):
        scores[row, VOCABULARY.object_names.index(name)] = score
    left = np.arange(len(names), dtype=np.float32) / len(names)
    boxes = np.stack([left, left * 0, left + 1 / len(names), left * 0 + 1], axis=1)
    return scores, boxes.astype(np.float32)


def _said(*attributes: str) -> tuple[Attribute, ...]:
    return tuple(map(Attribute, attributes))


RIDER = SceneGraph(
    (
        Node("woman", attributes=_said("young")),
        Node("horse", attributes=_said("brown")),
        Node("shirt", attributes=_said("scarlet")),
    ),
    (Edge(0, "rides", 1), Edge(0, "wearing", 2)),
)  # fmt: skip


def test_a_caption_labels_the_regions_it_means() -> None:
    told = MEETING.told([RIDER], *_seen("horse", "person"))
    assert told.met == {0: 1, 1: 1}
    assert set(told.names[1]) == {"woman"}
    assert {"young", "riding", "crimson"} <= set(told.attributes[1])  # its clothes' colours are its own
    assert set(told.attributes[0]) == {"brown"}
    assert set(told.worn[1]) == {"shirt"}
    assert set(told.relations[1, 0]) == {"riding"}
    assert told.together[0, 1] == 1
    assert not told.relations[0, 1]


def test_captions_add_up() -> None:
    told = MEETING.told([RIDER, RIDER, SceneGraph((Node("person"),))], *_seen("horse", "person"))
    assert told.met[1] == 3
    assert told.relations[1, 0]["riding"] == 2


@pytest.mark.parametrize(
    ("node", "regions", "meant"),
    [
        (Node("man"), ("person", "person"), ()),  # which of them?
        (Node("men", "man", count=2), ("person", "person"), (0, 1)),
        (Node("men", "man", count=3), ("person", "person"), ()),
        (Node("men", "man"), ("person", "dog", "person"), (0, 2)),
        (Node("group"), ("person", "person"), ()),
        (Node("puppy"), ("bear",), (0,)),  # the detector takes animals for each other
        (Node("dog", negated=True), ("dog",), ()),
        (Node("sky"), ("dog",), ()),
    ],
)
def test_who_is_meant(node: Node, regions: tuple[str, ...], meant: tuple[int, ...]) -> None:
    assert MEETING.meet(SceneGraph((node,)), *_seen(*regions)).get(0, ()) == meant


def test_the_prominent_one_is_meant() -> None:
    scores, boxes = _seen("person", "person")
    boxes[0], boxes[1] = (0, 0, 0.8, 1), (0.8, 0.4, 1, 0.6)
    assert MEETING.meet(SceneGraph((Node("man"),)), scores, boxes) == {0: (0,)}


def test_two_of_a_kind_are_not_told_apart() -> None:
    graph = SceneGraph((Node("man"), Node("woman")), (Edge(0, "hugging", 1),))
    assert not MEETING.told([graph], *_seen("person", "person")).met


def _named(*nouns: str) -> Told:
    return MEETING.told([SceneGraph((Node(noun),)) for noun in nouns], *_seen("person"))


def test_names_confirm_deny_or_leave_open() -> None:
    words = ("adult", "man", "woman", "child", "boy", "player")
    told = [_named("man"), _named("kid"), _named("man", "man", "boy"), _named("person"), _named("player")]
    targets, weights = name_targets(told, [(row, 0) for row in range(len(told))], words, VOCABULARY)
    assert targets[0].tolist() == [1, 1, 0, 0, 0, 0]
    assert weights[0].all()
    assert targets[1].tolist() == [0, 0, 0, 1, 0, 0]
    assert weights[1].tolist() == [1, 1, 1, 1, 0, 1]  # a kid may be a boy
    assert targets[2] == pytest.approx([2 / 3, 2 / 3, 0, 1 / 3, 1 / 3, 0])
    assert weights[3].tolist() == weights[4].tolist() == [0, 0, 0, 0, 0, 1]
    assert targets[4, 5] == 1


def test_what_means_a_word_says_it() -> None:
    told = MEETING.told([RIDER], *_seen("horse", "person"))

    def means(word: str, said: str) -> bool:
        return VOCABULARY.attribute_similarity(word, said) == 1.0

    words = ("red", "blue", "young")
    assert word_targets([told.attributes[1], told.attributes[0]], words, means).tolist() == [
        [1, 0, 1],
        [0, 0, 0],
    ]


def test_frequent_words_are_chosen() -> None:
    told = [MEETING.told([RIDER], *_seen("horse", "person"))] * 3 + [_named("wizard of oz")]
    chosen = choose_words(told, VOCABULARY, least=3, least_pairs=3)
    assert set(chosen.names) == {"adult", "woman"}
    assert {"young", "riding", "brown"} <= set(chosen.attributes)
    assert "shirt" in chosen.worn
    assert chosen.predicates == ("riding",)
    assert not choose_words(told, VOCABULARY, least=4, least_pairs=4).predicates
