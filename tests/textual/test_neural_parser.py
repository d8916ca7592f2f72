"""The neural parser on the default pack: what it reads, in any company, of any length."""

from __future__ import annotations

import asyncio

import pytest
from tests.language import text_parser

from scenograph.packs import Pack
from scenograph.runtime.sessions import Sessions
from scenograph.runtime.texts import TextEncoder
from scenograph.scene.graph import SceneGraph
from scenograph.scene.parsing import MAX_TEXT_CHARS
from scenograph.scene.vocabulary import Vocabulary
from scenograph.textual.neural_parser import MODEL, NeuralParser
from scenograph.textual.parsers import RulesParser

SENTENCES = [
    "A black dog is running after a white dog in the snow .",
    "two men sitting on a wooden bench",
    "the woman in the red hat is riding a horse",
    "leaves on the tree",
]


@pytest.fixture
def parser(default_pack: Pack, sessions: Sessions) -> NeuralParser:
    if MODEL not in default_pack.manifest.models:
        pytest.skip(f"{default_pack.id} has no {MODEL}")
    return NeuralParser(sessions, TextEncoder(sessions), Vocabulary.load(), RulesParser(text_parser()))


def edges(graph: SceneGraph) -> set[tuple[str, str, str]]:
    return {
        (graph.nodes[edge.subject].lemma, edge.predicate, graph.nodes[edge.object].lemma)
        for edge in graph.edges
    }


async def test_sentences(parser: NeuralParser) -> None:
    dogs, men, woman, leaves = await parser.parse(SENTENCES)
    assert [[each.name for each in node.attributes] for node in dogs.nodes] == [["black"], ["white"], []]
    assert [node.lemma for node in dogs.nodes] == ["dog", "dog", "snow"]
    assert [(node.lemma, node.count) for node in men.nodes] == [("man", 2), ("bench", 0)]
    assert edges(men) == {("man", "sitting on", "bench")}
    assert {("woman", "wearing", "hat"), ("woman", "riding", "horse")} <= edges(woman)
    assert edges(leaves) == {("leaf", "on", "tree")}


async def test_facts(parser: NeuralParser) -> None:
    assert await parser.facts(["two men sitting on a wooden bench"]) == [
        {("men", "is", "2"), ("bench", "is", "wooden"), ("men", "sit on", "bench")}
    ]


async def test_a_graph_does_not_depend_on_its_company(parser: NeuralParser) -> None:
    together = await parser.parse(SENTENCES)
    apart = await asyncio.gather(*(parser.parse([text]) for text in SENTENCES))
    assert together == [graph for (graph,) in apart]


async def test_denials_are_read_by_the_rules(parser: NeuralParser) -> None:
    (graph,) = await parser.parse(["a tree without leaves"])
    assert [(node.lemma, node.negated) for node in graph.nodes] == [("tree", False), ("leaf", True)]


@pytest.mark.parametrize(
    "text",
    [
        "?!",
        "dog",
        "狗在雪地里跑",
        "🐕 on 🛋",
        "a dog\u0007 and\u200b a cat",
        ("a man rides a horse . " * 100)[:MAX_TEXT_CHARS],
        ("very " * 400)[:MAX_TEXT_CHARS],
        "x" * MAX_TEXT_CHARS,
    ],
)
async def test_whatever_is_said_gives_a_graph_within_the_text(parser: NeuralParser, text: str) -> None:
    (graph,) = await parser.parse([text])
    for node in graph.nodes:
        assert node.span is not None and 0 <= node.span.start < node.span.end <= len(text)
        assert node.label
