"""Parses gold captions through a server and scores what it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, cast

from rich.progress import Progress

from scenograph.cli.connection import api_key, tls
from scenograph.client import AsyncClient
from scenograph.client import SceneGraph as Parsed
from scenograph.client.arguments import ParserName
from scenograph.data.factual import Caption
from scenograph.metrics.lemmas import noun_lemmatiser
from scenograph.metrics.parsing import Fact, Lemma, ParserScore, facts_of, score_parser
from scenograph.packs import open_pack
from scenograph.scene.graph import Attribute, Edge, Node, SceneGraph
from scenograph.scene.parsing import load_parser
from scenograph.scene.parsing.neural_names import Names

BATCH = 64
TIMED = 200
"""Captions sent one at a time to time a sentence."""


@dataclass(frozen=True, slots=True)
class ParserResult:
    """One parser. `milliseconds`: median of a call with one sentence, over gRPC."""

    parser: ParserName
    score: ParserScore
    milliseconds: float
    facts: tuple[frozenset[Fact], ...]


def check_parsers(names: Sequence[str]) -> list[ParserName]:
    """The parsers of these names. Errors: ValueError."""
    for name in names:
        if name not in ("neural", "rules"):
            raise ValueError(f"a parser is one of neural, rules, not {name!r}")
    return [cast(ParserName, name) for name in dict.fromkeys(names)]


async def measure(
    address: str, captions: Sequence[Caption], parsers: Sequence[ParserName], bar: Progress
) -> list[ParserResult]:
    """Every parser on every caption. Errors: FailedPrecondition (the server's pack has no such parser)."""
    lemma, gold, texts = pack_lemma(), [each.facts for each in captions], [each.text for each in captions]
    name = pack_names()
    results = []
    async with AsyncClient(address, timeout=600, tls=tls(), key=api_key()) as client:
        for parser in parsers:
            task = bar.add_task(parser, total=len(texts))
            milliseconds = []
            for text in texts[:TIMED]:
                start = perf_counter()
                await client.parse([text], parser=parser)
                milliseconds.append((perf_counter() - start) * 1e3)
            facts = []
            for place in range(0, len(texts), BATCH):
                graphs = await client.parse(texts[place : place + BATCH], parser=parser)
                facts += [facts_of(_graph(graph), name=name) for graph in graphs]
                bar.advance(task, len(graphs))
            score = score_parser(facts, gold, lemma=lemma)
            middle = sorted(milliseconds)[len(milliseconds) // 2]
            results.append(ParserResult(parser, score, middle, tuple(facts)))
    return results


def pack_lemma() -> Lemma:
    """WordNet's lemmatiser of nouns, from the tables in the default pack's parser. Errors: PackNotFound."""
    pipe: Any = load_parser(open_pack("default").path("parser")).get_pipe("lemmatizer")
    nouns, exceptions, rules = (
        pipe.lookups.get_table(f"lemma_{name}")["noun"] for name in ("index", "exc", "rules")
    )
    return noun_lemmatiser(set(nouns), exceptions, rules)


def pack_names() -> Callable[[str], str]:
    """What FACTUAL calls an object, by the names that the default pack's own parser has learnt from it; every
    label as it is where the pack has none. Errors: PackNotFound.
    """
    pack = open_pack("default")
    known = "scene_parser" in pack.manifest.models
    return Names.load(pack.path("scene_parser.json")).object if known else str


def _graph(graph: Parsed) -> SceneGraph:
    """The client's graph as the metrics read it."""
    return SceneGraph(
        tuple(
            Node(
                node.label,
                node.lemma,
                tuple(Attribute(each.name, each.score, each.negated) for each in node.attributes),
                count=node.count,
                negated=node.negated,
            )
            for node in graph.nodes
        ),
        tuple(Edge(e.subject, e.predicate, e.object, e.score, e.negated) for e in graph.edges),
    )
