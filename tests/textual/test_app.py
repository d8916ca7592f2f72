"""The textual service: batches, its memory, errors by item, and its gRPC face."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import grpc
import pytest
from tests.language import text_parser

from scenograph.runtime.contracts import Parser, TextBatch
from scenograph.scene.errors import InvalidInput, InvalidText
from scenograph.scene.graph import SceneGraph
from scenograph.scene.parsing import MAX_TEXT_CHARS, TextParser
from scenograph.textual.app import MAX_TEXTS, TextualApp
from scenograph.textual.parsers import RulesParser
from scenograph.textual.servicer import TextualServicer
from scenograph.v1 import textual_pb2 as pb
from scenograph.v1 import textual_pb2_grpc


class Counting:
    """A parser that counts the texts it was given."""

    def __init__(self, parser: TextParser) -> None:
        self._parser = parser
        self.texts: list[str] = []

    def parse(self, texts: Sequence[str]) -> list[SceneGraph]:
        self.texts += texts
        return self._parser.parse(texts)


@pytest.fixture
async def counting() -> Counting:
    return Counting(text_parser())


@pytest.fixture
async def app(counting: Counting) -> AsyncIterator[TextualApp]:
    parser = RulesParser(counting)  # type: ignore[arg-type]
    yield TextualApp({Parser.RULES: parser}, Parser.RULES, "test@1", remembered=3)
    await parser.close()


def graph(result: object) -> SceneGraph:
    assert isinstance(result, SceneGraph)
    return result


async def test_one_graph_or_error_for_each_text(app: TextualApp) -> None:
    batch = await app.parse(["a dog", "", "x" * (MAX_TEXT_CHARS + 1), " \n", "two cats"])
    assert batch.pack_version == "test@1"
    assert set(batch.timings) == {"textual"}
    dog, empty, long, blank, cats = batch.results
    assert graph(dog).nodes[0].label == "dog"
    assert graph(cats).nodes[0].count == 2
    for error in (empty, long, blank):
        assert isinstance(error, InvalidText) and error.violations[0].field == "text"


async def test_parses_a_text_once_and_forgets_the_oldest(app: TextualApp, counting: Counting) -> None:
    first = await app.parse(["a dog", "a dog", "a cat"])
    again = await app.parse(["a cat", "a dog"])
    assert counting.texts == ["a dog", "a cat"]
    assert again.results == [first.results[2], first.results[0]]
    await app.parse(["a horse", "a cow"])
    await app.parse(["a dog", "a cat"])
    assert counting.texts == ["a dog", "a cat", "a horse", "a cow", "a cat"]


async def test_concurrent_calls(app: TextualApp) -> None:
    texts = [[f"{number} dogs", "a red car"] for number in range(2, 30)]
    batches = await asyncio.gather(*(app.parse(each) for each in texts))
    for number, batch in zip(range(2, 30), batches, strict=True):
        dogs, car = map(graph, batch.results)
        assert dogs.nodes[0].count == number and car.nodes[0].label == "car"


@pytest.mark.parametrize("count", [0, MAX_TEXTS + 1])
async def test_batch_size(app: TextualApp, count: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        await app.parse(["a dog"] * count)
    assert caught.value.violations[0].field == "texts"


async def test_over_grpc(app: TextualApp) -> None:
    server = grpc.aio.server()
    textual_pb2_grpc.add_TextualGraphServiceServicer_to_server(TextualServicer(app), server)
    port = server.add_insecure_port("localhost:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"localhost:{port}") as channel:
            stub = textual_pb2_grpc.TextualGraphServiceStub(channel)
            one = await stub.ParseText(pb.ParseTextRequest(text="a man without a hat"))
            man, hat = one.graph.nodes
            assert (man.label, hat.label, hat.negated) == ("man", "hat", True)
            assert (man.span.start, man.span.end) == (2, 5)
            assert [(edge.subject, edge.predicate, edge.object) for edge in one.graph.edges] == [
                (0, "with", 1)
            ]
            assert one.pack_version == "test@1" and one.timings[0].stage == "textual"

            many = await stub.ParseTexts(pb.ParseTextsRequest(texts=["a dog", "", "a cat"]))
            assert [result.status.reason for result in many.results] == ["", "INVALID_TEXT", ""]
            assert many.results[2].graph.nodes[0].label == "cat" and not many.results[1].HasField("graph")

            marks = [("a", "a dog"), ("b", "\t"), ("c", "a cat on a red sofa")]
            requests = (pb.StreamTextsRequest(id=mark, text=text) for mark, text in marks)
            answers = [answer async for answer in stub.StreamTexts(requests)]
            assert [answer.id for answer in answers] == ["a", "b", "c"]
            assert [answer.result.status.reason for answer in answers] == ["", "INVALID_TEXT", ""]
            assert len(answers[2].result.graph.nodes) == 2
    finally:
        await server.stop(None)


async def test_a_batch_is_typed(app: TextualApp) -> None:
    assert isinstance(await app.parse(["a dog"]), TextBatch)
