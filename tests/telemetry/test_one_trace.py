"""A search is one trace, whether its services share a process or have one each."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span as ApiSpan
from opentelemetry.trace import format_span_id, format_trace_id
from tests.served import Split
from tests.support import sample_photo
from tests.telemetry.conftest import COLLECTION
from tests.telemetry.spanfile import wait_for

from scenograph.cli.server_process import ServerProcess
from scenograph.cli.trace import Span
from scenograph.client import AsyncClient, Client, Item

STAGES = {
    "cache ranking",
    "cache query",
    "encode",
    "textual",
    "hash",
    "search",
    "match",
    "fuse",
    "page",
    "explain",
}
INDEX = {"filter", "hamming", "cosine", "read"}
MODELS = {f"run {model}" for model in ("text_encoder", "text_head", "hash_head", "graph_matcher")}


class Sent:
    """A trace that a caller begins, and the spans that it comes to."""

    def __init__(self) -> None:
        self.id, self.caller = secrets.token_hex(16), secrets.token_hex(8)
        self.metadata = (("traceparent", f"00-{self.id}-{self.caller}-01"),)

    def spans(self, files: list[Path]) -> list[Span]:
        return self._own(wait_for(files, self._whole))

    def _own(self, spans: list[Span]) -> list[Span]:
        return [span for span in spans if span["trace_id"] == self.id]

    def _whole(self, spans: list[Span]) -> bool:
        """Whether the call's own span is there, and of each call to another service both sides."""
        mine = self._own(spans)
        known = {span["span_id"] for span in mine}
        served = {span["parent_id"] for span in mine if span["kind"] == "server"}
        calls = {span["span_id"] for span in mine if span["kind"] == "client"}
        return served - known == {self.caller} and calls <= served


def test_a_search_through_separate_services(watched_split: Split) -> None:
    sent = Sent()
    with Client(watched_split.address, metadata=sent.metadata) as client:
        assert client.search(COLLECTION, text="a cup beside a cat", explain=True).hits
    spans = sent.spans(sorted(watched_split.folder.glob("*.jsonl")))
    services = {span["service"] for span in spans}
    called = ("gateway", "textual", "encoder", "hashing", "matching", "index")
    assert services == {f"scenograph-{name}" for name in called}
    assert {span["name"] for span in spans} >= STAGES | INDEX | MODELS
    by_id = {span["span_id"]: span for span in spans}
    servers = [span for span in spans if span["kind"] == "server" and span["parent_id"] in by_id]
    assert len(servers) >= 6
    for span in servers:
        client_span = by_id[span["parent_id"]]
        assert client_span["kind"] == "client" and client_span["name"] == span["name"]
        assert client_span["service"] == "scenograph-gateway"
    ids = {span["attributes"]["scenograph.request_id"] for span in spans if span["kind"] == "server"}
    assert len(ids) == 1


def test_a_photo_through_separate_services(watched_split: Split) -> None:
    sent = Sent()
    with Client(watched_split.address, metadata=sent.metadata) as client:
        client.search(COLLECTION, image=sample_photo("horse.png"))
    spans = sent.spans(sorted(watched_split.folder.glob("*.jsonl")))
    seen = [span["name"] for span in spans if span["service"] == "scenograph-visual"]
    assert {"scenograph.v1.VisualGraphService/BuildVisualGraphs", "decode", "run detector"} <= set(seen)


def test_a_search_within_one_process(watched_server: tuple[ServerProcess, Path]) -> None:
    process, file = watched_server
    sent = Sent()
    with Client(process.address, metadata=sent.metadata) as client:
        client.search(COLLECTION, text="a cup beside a dog", explain=True)
    spans = sent.spans([file])
    assert {span["name"] for span in spans} >= STAGES | INDEX | MODELS
    assert [span["name"] for span in spans if span["kind"] != "internal"] == [
        "scenograph.v1.GatewayService/Search"
    ]
    by_id = {span["span_id"]: span for span in spans}
    runs = [span for span in spans if span["name"].startswith("run ") and span["name"] != "run rules_parser"]
    for run in runs:
        assert run["attributes"]["scenograph.batch.rows"] >= 1
        assert run["attributes"]["scenograph.queue_ms"] >= 0
        assert by_id[run["parent_id"]]["name"] in STAGES
    for name in INDEX:
        (part,) = (span for span in spans if span["name"] == name)
        assert by_id[part["parent_id"]]["name"] == "search"


def test_an_ingest(watched_server: tuple[ServerProcess, Path]) -> None:
    process, file = watched_server
    sent = Sent()
    items = [
        Item(id=f"new-{n}", image=sample_photo("horse.png"), texts=["a horse on a hill"]) for n in range(2)
    ]
    with Client(process.address) as client:
        client.create_collection("traced")
        with Client(process.address, metadata=sent.metadata) as traced:
            assert all(status.ok for status in traced.ingest("traced", items))
        client.delete_collection("traced")
    names = [span["name"] for span in sent.spans([file])]
    expected = {"prepare", "visual", "textual", "encode", "hash", "write", "index write", "decode"}
    assert {*expected, "run detector", "run backbone", "run image_head", "run text_units"} <= set(names)


async def test_the_clients_own_trace(watched_server: tuple[ServerProcess, Path]) -> None:
    process, file = watched_server
    provider = TracerProvider()
    tracer = provider.get_tracer("test")
    with Client(process.address) as client, tracer.start_as_current_span("caller") as one:
        client.search(COLLECTION, text="a cat")
        list(client.ingest(COLLECTION, []))
    async with AsyncClient(process.address) as aclient:
        with tracer.start_as_current_span("caller") as other:
            await aclient.search(COLLECTION, text="a cat")
            async for _ in aclient.search_stream(COLLECTION, text="a cat"):
                pass
    provider.shutdown()
    assert called([file], one) == {"Search", "Ingest"}
    assert called([file], other) == {"Search", "SearchStream"}


def called(files: list[Path], caller: ApiSpan) -> set[str]:
    """The two methods that were called as parts of a span, once both calls' spans are there."""
    context = caller.get_span_context()
    trace_id, span_id = format_trace_id(context.trace_id), format_span_id(context.span_id)

    def mine(spans: list[Span]) -> set[str]:
        own = (span for span in spans if (span["trace_id"], span["parent_id"]) == (trace_id, span_id))
        return {span["name"].rpartition("/")[2] for span in own}

    return mine(wait_for(files, lambda spans: len(mine(spans)) == 2))


@pytest.mark.parametrize("name", ["gateway", "index"])
def test_files_hold_no_query(name: str, watched_split: Split) -> None:
    sent = Sent()
    with Client(watched_split.address, metadata=sent.metadata) as client:
        client.search(COLLECTION, text="a quokka in zanzibar", filter='place = "zanzibar"')
    sent.spans(sorted(watched_split.folder.glob("*.jsonl")))
    text = (watched_split.folder / f"{name}.jsonl").read_text()
    assert sent.id in text and "zanzibar" not in text and "quokka" not in text
