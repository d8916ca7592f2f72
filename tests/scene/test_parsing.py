"""The text parser: sentences and the graphs they say, written in the query language."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.language import text_parser

from scenograph.scene.errors import InvalidText
from scenograph.scene.graph import SceneGraph
from scenograph.scene.parsing import MAX_TEXT_CHARS, check_text
from scenograph.scene.query import format_graph_query, graph_query, parse_graph_query

CASES = {
    "objects": [
        ("a dog", "(dog)"),
        ("Dogs and cats", "(dog), (cat)"),
        ("a tennis ball", "(tennis ball)"),
        ("two fire hydrants", "(2 fire hydrant)"),
        ("a hot dog", "(hot dog)"),
        ("a stuffed bear", "(stuffed bear)"),
        ("a young girl", "(girl {young})"),
        ("a German shepherd dog", "(german shepherd dog)"),
        ("glasses on the table", "(glasses)-[on]->(table)"),
        ("someone is skating", "(person {skating})"),
        ("surfboard in the sand", "(surfboard)-[in]->(sand)"),
        ("can with spill on ground", "(can)-[with]->(spill)-[on]->(ground)"),
    ],
    "attributes": [
        ("a red car", "(car {red})"),
        ("a small brown dog", "(dog {small, brown})"),
        ("a black and white dog", "(dog {black, white})"),
        ("white, brown, and black dogs", "(dog {white, brown, black})"),
        ("a dark green car", "(car {dark green})"),
        ("an orange colored cat", "(cat {orange})"),
        ("a brick house", "(house {brick})"),
        ("a running dog", "(dog {running})"),
        ("a dog runs", "(dog {running})"),
        ("a painted sign", "(sign {painted})"),
        ("the sofa is red", "(sofa {red})"),
        ("the sofa is big and red", "(sofa {big, red})"),
        ("a girl with blond hair", "(girl)-[with]->(hair {blonde})"),
        ("a snow covered field", "(field {snow-covered})"),
        ("a large sleeping dog", "(dog {large, sleeping})"),
        ("white table cloth", "(table cloth {white})"),
    ],
    "counts": [
        ("two dogs", "(2 dog)"),
        ("12 birds", "(12 bird)"),
        ("a couple of dogs", "(2 dog)"),
        ("a pair of shoes", "(2 shoe)"),
        ("a dozen eggs", "(12 egg)"),
        ("a group of people", "(people)"),
        ("a herd of white sheep", "(sheep {white})"),
        ("three little boys", "(3 boy {little})"),
    ],
    "relations": [
        ("a dog on a sofa", "(dog)-[on]->(sofa)"),
        ("A dog is on a red sofa.", "(dog)-[on]->(sofa {red})"),
        ("a man riding a horse", "(man)-[riding]->(horse)"),
        ("A man rides a horse.", "(man)-[riding]->(horse)"),
        ("a woman sitting on a bench", "(woman)-[sitting on]->(bench)"),
        ("a dog lies in front of a fireplace", "(dog)-[lying in front of]->(fireplace)"),
        ("a cat on top of a car", "(cat)-[on top of]->(car)"),
        ("a tree is next to the building", "(tree)-[next to]->(building)"),
        ("a lamp to the left of a bed", "(lamp)-[left of]->(bed)"),
        ("a bird in the middle of the road", "(bird)-[in middle of]->(road)"),
        ("wires hanging off of a table", "(wire)-[hanging off of]->(table)"),
        ("a man picking up a ball", "(man)-[picking up]->(ball)"),
        ("a man in a blue shirt", "(man)-[wearing]->(shirt {blue})"),
        ("a woman in red", "(woman)-[wearing]->(clothing {red})"),
        ("a woman wearing black and white", "(woman)-[wearing]->(clothing {black, white})"),
        ("a brown dog leaps over a log", "(dog {brown})-[leaping over]->(log)"),
        ("two terriers race through a field", "(2 terrier)-[racing through]->(field)"),
        ("a dog is trying to catch a frisbee", "(dog)-[catching]->(frisbee)"),
        ("car driving down street", "(car)-[driving down]->(street)"),
    ],
    "of": [
        ("the leg of the man", "(leg)<-[having]-(man)"),
        ("a cup of coffee", "(cup)-[of]->(coffee)"),
        ("a picture of a dog", "(picture)-[of]->(dog)"),
        ("a field of green grass", "(field)-[of]->(grass {green})"),
        ("the dog's collar is red", "(dog)-[having]->(collar {red})"),
        ("a dog jumping into a pile of leaves", "(dog)-[jumping into]->(leaf)"),
    ],
    "negation": [
        ("no dog", "not (dog)"),
        ("a man without a hat", "(man), not (man)-[with]->(hat)"),
        ("the sofa is not red", "(sofa), not (sofa {red})"),
        ("the man is not riding a horse", "(man), (horse), not (man)-[riding]->(horse)"),
        ("there are no cars on the street", "(street), not (car)-[on]->(street)"),
        ("a dog that is not on the sofa", "(dog), (sofa), not (dog)-[on]->(sofa)"),
    ],
    "coordination": [
        ("a man and a woman are walking", "(man {walking}), (woman {walking})"),
        ("a man and a dog on the bed", "(man), (dog)-[on]->(bed)"),
        ("a girl jumps and runs", "(girl {jumping, running})"),
        ("a boy holds a ball and a bat", "(n1: boy)-[holding]->(ball), (n1)-[holding]->(bat)"),
        ("a man is sitting and reading a book", "(man {sitting})-[reading]->(book)"),
        ("a girl rides a bike and laughs", "(girl {laughing})-[riding]->(bike)"),
    ],
    "voice": [
        ("a ball is held by a boy", "(ball)<-[holding]-(boy)"),
        ("a ball held by a boy", "(ball)<-[holding]-(boy)"),
        ("a bear surrounded by grass", "(bear)<-[surrounding]-(grass)"),
        ("a car is parked on the street", "(car)-[parked on]->(street)"),
        ("a parked car", "(car {parked})"),
        ("boats tied to a dock", "(boat)-[tied to]->(dock)"),
    ],
    "clauses": [
        ("there is a cat on the table", "(cat)-[on]->(table)"),
        ("a man who is wearing a hat rides a bike", "(n1: man)-[wearing]->(hat), (n1)-[riding]->(bike)"),
        ("the ball that the boy holds is red", "(ball {red})<-[holding]-(boy)"),
        ("a horse that is standing in a field", "(horse)-[standing in]->(field)"),
        (
            "a man wearing a red hat riding a horse",
            "(n1: man)-[wearing]->(hat {red}), (n1)-[riding]->(horse)",
        ),
        ("a child stands holding a balloon", "(child {standing})-[holding]->(balloon)"),
        ("the man is a chef holding a knife", "(man {chef})-[holding]->(knife)"),
        (
            "a man is standing on a ladder cleaning a window",
            "(n1: man)-[standing on]->(ladder), (n1)-[cleaning]->(window)",
        ),
    ],
    "pronouns": [
        ("a dog with a ball in its mouth", "(n1: dog)-[with]->(ball)-[in]->(mouth)<-[having]-(n1)"),
        ("a girl jumps and a boy watches her", "(girl {jumping})<-[watching]-(boy)"),
        ("a woman walks her dog", "(n1: woman)-[walking]->(dog)<-[having]-(n1)"),
        ("a glass with wine in it", "(n1: glass)-[with]->(wine)-[in]->(n1)"),
        # Two men: "he" may be either, so nothing is said.
        ("a man and a man stand while he sings", "(man {standing}), (man {standing})"),
    ],
}


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [pytest.param(*case, id=f"{topic}-{case[0]}") for topic, cases in CASES.items() for case in cases],
)
def test_says(sentence: str, expected: str) -> None:
    (graph,) = text_parser().parse([sentence])
    assert format_graph_query(graph_query(graph)) == expected
    parse_graph_query(expected)


def test_surface_lemma_and_span() -> None:
    text = "Two  brown\tPuppies near a traffic light."
    (graph,) = text_parser().parse([text])
    puppy, light = graph.nodes
    assert (puppy.label, puppy.lemma, puppy.count) == ("puppies", "puppy", 2)
    for node in graph.nodes:
        assert node.span is not None
        assert text[node.span.start : node.span.end].lower() == node.label
    assert light.label == "traffic light"


def test_spans_count_code_points_after_rewording() -> None:
    text = "🐕 A café dog leaps over snow covered logs"
    (graph,) = text_parser().parse([text])
    for node in graph.nodes:
        assert node.span is not None
        assert node.label in text[node.span.start : node.span.end].lower()


def test_batches_are_parsed_as_single_texts_are() -> None:
    sentences = [case[0] for cases in CASES.values() for case in cases]
    together = text_parser().parse(sentences)
    assert together == [text_parser().parse([sentence])[0] for sentence in sentences]
    assert together == text_parser().parse(sentences)


def test_no_texts() -> None:
    assert text_parser().parse([]) == []


@pytest.mark.parametrize(
    "text", ["", "   ", "\n\t", "\u200b\u200b", "x" * (MAX_TEXT_CHARS + 1), "a dog \ud800"]
)
def test_refuses(text: str) -> None:
    with pytest.raises(InvalidText) as caught:
        text_parser().parse(["a dog", text])
    assert caught.value.violations[0].field == "texts[1]"
    with pytest.raises(InvalidText):
        check_text(text)


def test_control_characters_part_words() -> None:
    (graph,) = text_parser().parse(["a dog\x00on\x07a\x1bsofa"])
    assert format_graph_query(graph_query(graph)) == "(dog)-[on]->(sofa)"


def test_longest_text_is_parsed() -> None:
    for text in (
        "dog and " * 249 + "dog",
        "red, " * 399 + "dog",
        "in " * 660 + "dog",
        "dog that is a " * 140 + "dog",
    ):
        (graph,) = text_parser().parse([text])
        assert len(graph.nodes) <= 200 and len(graph.edges) <= 1000


SALAD = (
    "a the dog dogs man woman who that which it its his they is are not no red big wearing holding held by",
    "on in of front top with without and or , . runs leaps sitting group two pair there to be her next",
    "'s - snow covered",
)
words = st.sampled_from([word for line in SALAD for word in line.split()])


@settings(deadline=None, max_examples=150)
@given(st.lists(words, min_size=1, max_size=25).map(" ".join) | st.text(min_size=1, max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        (graph,) = text_parser().parse([text])
    except InvalidText:
        return
    assert isinstance(graph, SceneGraph)
    for node in graph.nodes:
        assert node.label.strip() and node.name.strip()
        assert node.span is not None and 0 <= node.span.start < node.span.end <= len(text)
    format_graph_query(graph_query(graph))
