"""Calls of all four kinds as spans: whose trace they are part of, what they tell, where they go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.trace import INVALID_SPAN
from tests.runtime.probe import KINDS, NAME, probing
from tests.runtime.test_remote_call import RemoteProbe
from tests.telemetry.spanfile import tracing

from scenograph.cli.trace import Span, find, read, tree
from scenograph.runtime.settings import TracingSettings, load_settings
from scenograph.runtime.telemetry.spans import here, ids, span
from scenograph.runtime.telemetry.tracing import open_tracer
from scenograph.scene.errors import CollectionNotFound, FailedPrecondition, InvalidInput, Unavailable

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = (("traceparent", f"00-{TRACE}-{PARENT}-01"),)
UNSAMPLED = (("traceparent", f"00-{TRACE}-{PARENT}-00"),)


async def nested(text: str, context: object) -> str:
    with span("part", {"scenograph.items": 2}):
        return ":".join(ids())


@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_is_a_span_of_its_callers_trace(kind: str, tmp_path: Path) -> None:
    with tracing(tmp_path) as (tracer, file):
        async with probing(nested, tracer=tracer) as (_, probe):
            answers, _ = await probe.call(kind, metadata=(*SAMPLED, ("x-request-id", "r-7")))
    part, server = read([file])
    assert (server["trace_id"], server["parent_id"], server["kind"]) == (TRACE, PARENT, "server")
    assert server["name"] == f"{NAME}/{kind}" and server["service"] == "probe" and not server["error"]
    attributes = server["attributes"]
    assert attributes.pop("network.peer.port") > 0
    assert attributes.pop("network.peer.address") in ("127.0.0.1", "::1")
    assert attributes == {
        "rpc.system.name": "grpc",
        "rpc.method": f"{NAME}/{kind}",
        "rpc.response.status_code": "OK",
        "scenograph.request_id": "r-7",
    }
    assert (part["name"], part["parent_id"]) == ("part", server["span_id"])
    assert part["attributes"] == {"scenograph.items": 2}
    assert answers == [f"{TRACE}:{part['span_id']}"]


async def test_a_call_without_a_trace_begins_one(tmp_path: Path) -> None:
    with tracing(tmp_path) as (tracer, file):
        async with probing(nested, tracer=tracer) as (_, probe):
            await probe.call("UU")
            await probe.call("UU", metadata=(("traceparent", "nonsense"),))
    spans = read([file])
    assert len({span["trace_id"] for span in spans}) == 2
    assert [span["parent_id"] for span in spans if span["kind"] == "server"] == [None, None]


@pytest.mark.parametrize("sample", [0.0, 1.0])
async def test_the_caller_decides_what_is_sampled(sample: float, tmp_path: Path) -> None:
    with tracing(tmp_path, sample) as (tracer, file):
        async with probing(nested, tracer=tracer) as (_, probe):
            assert (await probe.call("UU", metadata=UNSAMPLED))[0][0].startswith(TRACE)
            await probe.call("UU", metadata=SAMPLED)
            await probe.call("UU")
    assert len(read([file])) == (2 if sample == 0 else 4)


async def test_nothing_is_traced_without_a_tracer() -> None:
    async def untraced(text: str, context: object) -> str:
        with span("part") as part:
            return f"{part is INVALID_SPAN} {here()} {ids()[0]}"

    async with probing(untraced) as (_, probe):
        assert (await probe.call("UU"))[0] == ["True None "]
        assert (await probe.call("UU", metadata=SAMPLED))[0] == [f"True None {TRACE}"]


@pytest.mark.parametrize("traced", [True, False])
async def test_the_trace_goes_along_to_other_services(traced: bool, tmp_path: Path) -> None:
    async def inner(text: str, context: object) -> str:
        return ids()[0]

    with tracing(tmp_path) as (tracer, file):
        async with probing(inner, tracer=tracer) as (server, _):
            remote = RemoteProbe(server.address)

            async def outer(text: str, context: object) -> str:
                return await remote.say("")

            async with probing(outer, tracer=tracer if traced else None) as (_, probe):
                assert (await probe.call("UU", metadata=SAMPLED))[0] == [TRACE]
            await remote.close()
    spans = {span["span_id"]: span for span in read([file])}
    chain = [next(span for span in spans.values() if span["span_id"] not in _parents(spans))]
    while chain[-1]["parent_id"] in spans:
        chain.append(spans[chain[-1]["parent_id"]])
    assert [span["kind"] for span in chain] == (["server", "client", "server"] if traced else ["server"])
    assert chain[-1]["parent_id"] == PARENT and {span["trace_id"] for span in chain} == {TRACE}
    if traced:
        host, _, port = server.address.rpartition(":")
        assert (
            chain[1]["attributes"]
            | {
                "server.address": host,
                "server.port": int(port),
                "rpc.response.status_code": "OK",
            }
            == (chain[1]["attributes"])
        )


def _parents(spans: dict[str, Span]) -> set[str]:
    return {span["parent_id"] for span in spans.values()}


@pytest.mark.parametrize("kind", KINDS)
async def test_how_a_call_ended(kind: str, tmp_path: Path) -> None:
    async def fails(text: str, context: object) -> str:
        with span("part"):
            if text == "secret":
                raise RuntimeError("the secret in words")
            raise CollectionNotFound("there is no secret")

    with tracing(tmp_path) as (tracer, file):
        async with probing(fails, tracer=tracer) as (_, probe):
            for text in ("", "secret"):
                with pytest.raises(grpc.aio.AioRpcError):
                    await probe.call(kind, text)
    assert "words" not in file.read_text() and "there is no" not in file.read_text()
    spans = read([file])
    told = [
        (
            span["kind"],
            span["error"],
            span["attributes"].get("error.type"),
            span["attributes"].get("rpc.response.status_code"),
        )
        for span in spans
    ]
    assert told == [
        ("internal", True, "COLLECTION_NOT_FOUND", None),
        ("server", False, None, "NOT_FOUND"),  # the server did what it should
        ("internal", True, "RuntimeError", None),
        ("server", True, "INTERNAL", "INTERNAL"),
    ]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cancelled_call_is_told(kind: str, tmp_path: Path) -> None:
    entered = asyncio.Event()

    async def wait(text: str, context: object) -> str:
        entered.set()
        await asyncio.sleep(60)
        return text

    with tracing(tmp_path) as (tracer, file):
        async with probing(wait, tracer=tracer) as (_, probe):
            call = asyncio.create_task(probe.call(kind))
            await entered.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
    (server,) = read([file])
    assert server["attributes"]["rpc.response.status_code"] == "CANCELLED"


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """An OTLP collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.received: list[Any] = []

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.received.append(request)
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    from concurrent.futures import ThreadPoolExecutor

    servicer, pool = Collector(), ThreadPoolExecutor(2)
    server = grpc.server(pool)
    add: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    add(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"http://127.0.0.1:{port}"
    server.stop(None).wait()
    pool.shutdown()


async def test_otlp(collector: tuple[Collector, str]) -> None:
    servicer, endpoint = collector
    tracer, close = open_tracer(TracingSettings(exporter="otlp", endpoint=endpoint), "scenograph-probe")
    async with probing(nested, tracer=tracer) as (_, probe):
        await probe.call("UU", metadata=SAMPLED)
    await asyncio.to_thread(close)
    (resource,) = (part for request in servicer.received for part in request.resource_spans)
    told = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
    assert told["service.name"] == "scenograph-probe" and told["service.version"]
    spans = [span for scope in resource.scope_spans for span in scope.spans]
    assert [span.name for span in spans] == ["part", f"{NAME}/UU"]
    assert {span.trace_id.hex() for span in spans} == {TRACE}


async def test_a_collector_that_is_away_fails_no_call() -> None:
    tracer, close = open_tracer(TracingSettings(exporter="otlp", endpoint="http://127.0.0.1:9"), "probe")
    async with probing(nested, tracer=tracer) as (_, probe):
        for _ in range(3):
            await probe.call("UU", timeout=30)
    await asyncio.to_thread(close)


def test_settings(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="file is empty"):
        load_settings(tracing={"exporter": "file"})
    with pytest.raises(FailedPrecondition, match="cannot write traces"):
        open_tracer(TracingSettings(exporter="file", file=str(tmp_path / "none" / "x")), "probe")
    assert open_tracer(TracingSettings(), "probe")[0] is None


def test_a_trace_is_shown_as_a_tree(tmp_path: Path) -> None:
    common: Span = {"service": "s", "error": False, "kind": "internal", "attributes": {}, "milliseconds": 1.0}
    spans: list[Span] = [
        common
        | {
            "trace_id": "1",
            "span_id": "b",
            "parent_id": "a",
            "name": "in",
            "start": "2",
            "milliseconds": 1.0,
        },
        common
        | {
            "trace_id": "1",
            "span_id": "a",
            "parent_id": "elsewhere",
            "name": "X/Y",
            "kind": "server",
            "start": "1",
            "milliseconds": 12.5,
            "attributes": {"rpc.response.status_code": "OK", "scenograph.request_id": "r"},
        },
        common
        | {
            "trace_id": "2",
            "span_id": "c",
            "parent_id": None,
            "name": "Z",
            "start": "3",
            "milliseconds": 3.0,
        },
    ]
    assert list(tree(find(spans, "r"))) == [
        "     12.50  X/Y rpc.response.status_code=OK [s]",
        "      1.00    in",
    ]
    assert [span["name"] for span in find(spans)] == ["Z"]
    with pytest.raises(ValueError, match="there is no trace of 'q'"):
        find(spans, "q")
    (tmp_path / "bad").write_text("{}\n")
    with pytest.raises(ValueError, match="line 1: this is no span"):
        read([tmp_path / "bad"])


async def test_errors_of_other_services_are_told(tmp_path: Path) -> None:
    async def away(text: str, context: object) -> str:
        raise Unavailable("gone")

    with tracing(tmp_path) as (tracer, file):
        async with probing(away) as (server, _):
            remote = RemoteProbe(server.address)

            async def outer(text: str, context: object) -> str:
                return await remote.say("")

            async with probing(outer, tracer=tracer) as (_, probe):
                with pytest.raises(grpc.aio.AioRpcError):
                    await probe.call("UU")
            await remote.close()
    client, server_span = read([file])
    assert client["kind"] == "client" and client["error"] and server_span["error"]
    assert client["attributes"]["rpc.response.status_code"] == "UNAVAILABLE"
    assert client["attributes"]["error.type"] == "UNAVAILABLE"
