"""The matching service with the pack's own models: who is preferred to whom, and what it says of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from scenograph.matching.app import MAX_QUERY_EDGES, MAX_QUERY_NODES, MODEL, MatchingApp
from scenograph.packs import Pack
from scenograph.runtime.sessions import Arrays, Sessions
from scenograph.runtime.texts import TextEncoder, WordVectors
from scenograph.scene.alignment import Alignment
from scenograph.scene.errors import InvalidInput
from scenograph.scene.graph import Attribute, Box, Edge, GraphQuery, Node, SceneGraph, Tag
from scenograph.scene.query import parse_graph_query


@pytest.fixture(scope="module")
async def app(default_pack: Pack) -> AsyncIterator[MatchingApp]:
    sessions = Sessions(default_pack)
    sessions.load([MODEL])
    yield MatchingApp(sessions, WordVectors(TextEncoder(sessions), sessions))
    sessions.close()


def said(text: str) -> SceneGraph:
    """The graph of a line in the query language, as if a sentence had said it."""
    return parse_graph_query(text).required


def seen(text: str, *, tags: Sequence[Tag] = (), score: float = 0.9) -> SceneGraph:
    """The same as if a picture had shown it: every node with a box and a certainty."""
    graph = said(text)
    nodes = tuple(
        replace(node, box=Box(0.1 * place, 0.1, 0.1 * place + 0.3, 0.9), score=score)
        for place, node in enumerate(graph.nodes)
    )
    return replace(graph, nodes=nodes, tags=tuple(tags))


async def sentence(app: MatchingApp, text: str, *candidates: SceneGraph) -> list[Alignment]:
    """Alignments of what a sentence says with the candidates."""
    batch = await app.match(GraphQuery(optional=said(text)), candidates, explain=True)
    return batch.alignments


async def query(app: MatchingApp, text: str, *candidates: SceneGraph) -> list[Alignment]:
    """Alignments of a query with hard parts."""
    return (await app.match(parse_graph_query(text), candidates, explain=True)).alignments


async def test_direction_of_a_relation_matters(app: MatchingApp) -> None:
    same, turned, alone = await sentence(
        app,
        "(dog)-[chasing]->(cat)",
        said("(dog)-[chasing]->(cat)"),
        said("(cat)-[chasing]->(dog)"),
        said("(dog)"),
    )
    assert same.score == pytest.approx(1.0)
    assert same.score > turned.score + 0.2 > alone.score
    assert turned.unmatched == ("dog chasing cat",)
    assert alone.unmatched == ("cat", "dog chasing cat")
    (edge,) = same.edge_matches
    assert (edge.query_relation, edge.candidate_relation) == ("dog chasing cat", "dog chasing cat")


async def test_a_relation_is_met_from_its_other_end(app: MatchingApp) -> None:
    (met,) = await sentence(app, "(cat)-[right of]->(dog)", said("(dog)-[left of]->(cat)"))
    assert met.score == pytest.approx(1.0)
    assert met.edge_matches[0].candidate_edge == 0
    assert met.edge_matches[0].candidate_relation == "dog left of cat"


async def test_kinds_and_synonyms_meet(app: MatchingApp) -> None:
    puppy, couch, cat = await sentence(
        app, "(dog)-[on]->(sofa)", said("(puppy)-[on]->(couch)"), said("(couch)"), said("(cat)")
    )
    assert puppy.score == pytest.approx(1.0)
    assert [match.candidate_label for match in couch.node_matches] == ["couch"]
    assert puppy.score > couch.score > cat.score


async def test_words_that_no_table_knows_meet_by_their_vectors(app: MatchingApp) -> None:
    near, far = await sentence(app, "(photosynthesis)", said("(photosynthetic process)"), said("(piano)"))
    assert near.objects > far.objects


async def test_attributes_prefer_the_right_object(app: MatchingApp) -> None:
    picture = seen("(dog {black}), (dog {brown})")
    (met,) = await sentence(app, "(dog {brown})", picture)
    assert [(match.candidate_node, match.attributes_matched) for match in met.node_matches] == [
        (1, ("brown",))
    ]
    assert met.node_matches[0].box == picture.nodes[1].box
    red, blue = await sentence(app, "(car {red})", seen("(car {red})"), seen("(car {blue})"))
    assert red.score > blue.score
    assert blue.unmatched == ("red car",)


async def test_the_colour_of_clothes_is_looked_for_on_who_wears_them(app: MatchingApp) -> None:
    red, green = await sentence(
        app, "(man)-[wearing]->(shirt {red})", seen("(person {red})"), seen("(person {green})")
    )
    assert red.attributes == 1.0
    assert green.attributes == 0.0


async def test_the_number_of_people_counts(app: MatchingApp) -> None:
    one, two, five = await sentence(
        app,
        "(2 man)",
        seen("(person)"),
        seen("(person), (person)"),
        seen("(person), (person), (person), (person), (person)"),
    )
    assert two.score > one.score
    assert two.score > five.score


async def test_people_that_nobody_mentioned_count_against_a_picture(app: MatchingApp) -> None:
    alone, crowded = await sentence(app, "(dog)", seen("(dog)"), seen("(dog), (person), (person)"))
    assert alone.score > crowded.score
    free, also = await query(app, "(dog)", seen("(dog)"), seen("(dog), (person), (person)"))
    assert free.score == also.score  # a graph query says what it wants, not all there is


async def test_tags_are_evidence_without_a_place(app: MatchingApp) -> None:
    tagged, none = await sentence(
        app, "(dog)-[on]->(beach)", seen("(dog)", tags=[Tag("beach", 0.6)]), seen("(dog)")
    )
    assert tagged.score > none.score
    (beach,) = [match for match in tagged.node_matches if match.query_label == "beach"]
    assert (beach.candidate_node, beach.candidate_label, beach.box) == (-1, "beach", None)


async def test_certain_evidence_beats_doubtful(app: MatchingApp) -> None:
    certain, doubtful = await sentence(app, "(dog)", seen("(dog)", score=0.95), seen("(dog)", score=0.35))
    assert certain.score > doubtful.score


async def test_a_picture_asks_for_the_sentence_about_it(app: MatchingApp) -> None:
    picture = seen("(dog)-[next to]->(person)", tags=[Tag("dog", 0.5)])
    right, wrong = (
        await app.match(
            GraphQuery(optional=picture),
            [said("(man)-[with]->(puppy)"), said("(2 girl)-[riding]->(horse)")],
            explain=True,
        )
    ).alignments
    assert right.score > wrong.score
    assert [(match.query_label, match.candidate_label) for match in right.node_matches] == [
        ("dog", "puppy"),
        ("person", "man"),
    ]
    assert [match.query_node for match in right.node_matches] == [0, 1]
    assert "dog" in wrong.unmatched


async def test_required_parts_decide(app: MatchingApp) -> None:
    on, beside, missing = await query(
        app,
        "(dog)-[on]->(sofa {red})",
        seen("(dog)-[on]->(couch {red})"),
        seen("(dog)-[next to]->(couch {red})"),
        seen("(dog)"),
    )
    assert [found.satisfied for found in (on, beside, missing)] == [True, False, False]
    assert on.unmatched == ()
    assert beside.unmatched == ("dog on sofa",)


async def test_a_vague_detector_may_satisfy_a_particular_word(app: MatchingApp) -> None:
    (may,) = await query(app, "(woman)", seen("(person)"))
    assert may.satisfied
    (plain,) = await query(app, "(dog), not (woman)", seen("(dog), (person)"))
    assert plain.satisfied and not plain.violations


async def test_forbidden_parts_decide(app: MatchingApp) -> None:
    clean, guilty, tagged = await query(
        app,
        "(dog), not (cat)",
        seen("(dog)"),
        seen("(dog), (kitten)"),
        seen("(dog)", tags=[Tag("tabby", 0.7)]),
    )
    assert clean.satisfied
    assert not guilty.satisfied and guilty.violations == ("cat",)
    assert not tagged.satisfied
    apart, on = await query(
        app, "(dog), not (dog)-[on]->(sofa)", seen("(dog), (couch)"), seen("(dog)-[on]->(couch)")
    )
    assert apart.satisfied
    assert not on.satisfied and on.violations == ("dog on sofa",)


async def test_distinct_required_things_need_distinct_evidence(app: MatchingApp) -> None:
    one, two = await query(app, "(dog), (dog)", seen("(dog)"), seen("(dog), (dog)"))
    assert (one.satisfied, two.satisfied) == (False, True)
    one, two = await query(app, "(2 dog)", seen("(dog)"), seen("(dog), (dog)"))
    assert (one.satisfied, two.satisfied) == (False, True)


async def test_optional_parts_only_raise_the_score(app: MatchingApp) -> None:
    plain, child = await query(app, "(dog), maybe (child)", seen("(dog)"), seen("(dog), (girl)"))
    assert plain.satisfied and child.satisfied
    assert child.score > plain.score
    assert [match.query_node for match in child.node_matches] == [0, 1]


async def test_what_a_sentence_denies_lowers_the_score(app: MatchingApp) -> None:
    graph = SceneGraph(
        nodes=(Node("man"), Node("hat", negated=True)), edges=(Edge(0, "wearing", 1, negated=True),)
    )
    batch = await app.match(
        GraphQuery(optional=graph), [said("(man)"), said("(man)-[wearing]->(hat)")], explain=True
    )
    bare, covered = batch.alignments
    assert bare.score > covered.score
    assert covered.violations == ("man wearing hat",)
    assert covered.satisfied  # a sentence ranks, it does not decide


async def test_what_a_candidate_denies_is_not_there(app: MatchingApp) -> None:
    denied = SceneGraph(nodes=(Node("dog", negated=True), Node("park")))
    not_red = SceneGraph(nodes=(Node("sofa", attributes=(Attribute("red", negated=True),)),))
    nothing, plain = await sentence(app, "(dog)", denied, said("(dog)"))
    assert not nothing.node_matches and plain.node_matches
    (sofa,) = await query(app, "(sofa {red})", not_red)
    assert not sofa.satisfied


async def test_scores_are_fractions_and_order_is_kept(app: MatchingApp) -> None:
    graphs = [seen("(dog)"), said("(dog)"), SceneGraph(), SceneGraph(tags=(Tag("dog", 0.9),))]
    for asked in (GraphQuery(optional=graphs[0]), GraphQuery(optional=graphs[1])):
        batch = await app.match(asked, graphs)
        again = [(await app.match(asked, [graph])).alignments[0] for graph in graphs]
        for found, alone in zip(batch.alignments, again, strict=True):
            assert found.score == pytest.approx(alone.score, abs=1e-6)
            for value in (found.score, found.objects, found.attributes, found.relations):
                assert 0.0 <= value <= 1.0
            assert found.node_matches == ()


async def test_bad_requests_are_refused(app: MatchingApp) -> None:
    with pytest.raises(InvalidInput, match="1 to 4096"):
        await app.match(GraphQuery(optional=said("(dog)")), [])
    with pytest.raises(InvalidInput, match="nodes"):
        await app.match(GraphQuery(), [said("(dog)")])
    large = SceneGraph(tuple(Node("dog") for _ in range(MAX_QUERY_NODES + 1)))
    with pytest.raises(InvalidInput, match="nodes"):
        await app.match(GraphQuery(optional=large), [said("(dog)")])
    related = SceneGraph((Node("dog"), Node("sofa")), (Edge(0, "on", 1),) * (MAX_QUERY_EDGES + 1))
    with pytest.raises(InvalidInput, match="edges"):
        await app.match(GraphQuery(optional=related), [related])


async def test_a_hundred_candidates_are_one_run_of_the_model(
    app: MatchingApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = ["dog", "person", "couch", "ball", "tree", "car", "cat", "bench", "hat", "boat", "horse", "cup"]
    candidates = [
        seen(
            "-[next to]->".join(f"({label} {{brown}})" for label in labels[start % 5 :]),
            tags=[Tag("beach", 0.4)],
        )
        for start in range(100)
    ]
    asked = GraphQuery(optional=said("(man)-[throwing]->(ball), (dog {brown})-[near]->(man)"))
    runs: list[str] = []
    infer = app._sessions.infer

    def counted(model: str, inputs: Arrays) -> Arrays:
        runs.append(model)
        return infer(model, inputs)

    monkeypatch.setattr(app._sessions, "infer", counted)
    found = await app.match(asked, candidates)
    assert len(found.alignments) == 100
    assert runs.count("graph_matcher") == 1


async def test_the_colours_of_clothes_say_who_is_who(app: MatchingApp) -> None:
    text = "(man)-[wearing]->(shirt {red}), (man)-[near]->(car {blue})"
    right, wrong = await sentence(
        app, text, seen("(person {blue}), (person {red}), (car {blue})"), seen("(person {blue}), (car {red})")
    )
    assert right.node_matches[0].candidate_node == 1 and right.attributes == 1.0
    assert wrong.attributes == 0.0  # a blue car is not met by somebody in blue who is near it


async def test_a_label_of_the_whole_image_hides_nobody_s_clothes(app: MatchingApp) -> None:
    picture = seen("(person {red})", tags=[Tag("shirt", 0.3)])
    red, green = [
        (await sentence(app, f"(man)-[wearing]->(shirt {{{colour}}})", picture))[0].attributes
        for colour in ("red", "green")
    ]
    assert (red, green) == (1.0, 0.0)


async def test_clothes_are_those_of_who_wears_them(app: MatchingApp) -> None:
    text = "(man)-[wearing]->(shirt {{{}}}), (woman)-[wearing]->(shirt {{{}}})"
    picture = seen("(man)-[wearing]->(shirt {red}), (woman)-[wearing]->(shirt {blue})")
    (true,) = await sentence(app, text.format("red", "blue"), picture)
    (swapped,) = await sentence(app, text.format("blue", "red"), picture)
    assert true.attributes == 1.0 and swapped.attributes == 0.0
    assert true.score > swapped.score
