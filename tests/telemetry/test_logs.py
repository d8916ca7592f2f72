"""Logs name the request and the trace of each call, in all services, and never what was asked for."""

from __future__ import annotations

import json
import secrets
from typing import Any

import grpc
import pytest
from tests.served import Split
from tests.support import sample_photo
from tests.telemetry.conftest import COLLECTION

from scenograph.client import Client, Item
from scenograph.client.errors import InvalidFilter, InvalidGraphQuery, ScenographError
from scenograph.v1 import gateway_pb2 as pb
from scenograph.v1 import gateway_pb2_grpc


def logs(split: Split) -> dict[str, str]:
    processes = {**split.services, "gateway": split.gateway}
    return {name: process.log.read_text() for name, process in processes.items()}


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_ids_of_one_search_in_all_services(watched_split: Split) -> None:
    request_id, trace_id = f"search-{secrets.token_hex(4)}", secrets.token_hex(16)
    metadata = (("x-request-id", request_id), ("traceparent", f"00-{trace_id}-{secrets.token_hex(8)}-01"))
    with Client(watched_split.address, metadata=metadata) as client:
        client.search(COLLECTION, text="a lamp over a table", bypass_cache=True)
    told = {}
    for name, text in logs(watched_split).items():
        mine = [line for line in lines(text) if line["request_id"] == request_id]
        assert {line["trace_id"] for line in mine} <= {trace_id}
        assert len({line["span_id"] for line in mine}) == len(mine)
        told[name] = len(mine)
    assert told.pop("visual") == 0 and told["gateway"] == 1 and all(told.values())


def calls(stub: Any, request_id: str) -> list[Any]:
    """A call of each of the gateway's kinds."""
    more: dict[str, Any] = {"metadata": (("x-request-id", request_id),), "timeout": 60}
    query = pb.Query(parts=[pb.QueryPart(text="a cat")])
    search = pb.SearchRequest(collection=COLLECTION, query=query)
    _, unary = stub.ServerInfo.with_call(pb.ServerInfoRequest(), **more)
    streamed = stub.SearchStream(pb.SearchStreamRequest(search=search), **more)
    list(streamed)
    chunks = iter([pb.UploadImageRequest(chunk=sample_photo("chelsea.png").read_bytes())])
    _, upload = stub.UploadImage.with_call(chunks, **more)
    both = stub.Ingest(iter([pb.IngestRequest(collection=COLLECTION, item=pb.Item(id="x"))]), **more)
    list(both)
    return [unary, streamed, upload, both]


@pytest.mark.parametrize("sent", ["mine-42", "not usable", "x" * 129])
def test_request_ids_of_all_kinds_of_calls(sent: str, watched_split: Split) -> None:
    with grpc.insecure_channel(watched_split.address) as channel:
        stub: Any = gateway_pb2_grpc.GatewayServiceStub(channel)
        answered = [dict(call.trailing_metadata())["x-request-id"] for call in calls(stub, sent)]
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetItem(pb.GetItemRequest(collection="none"), metadata=(("x-request-id", sent),))
    error: Any = caught.value
    answered.append(dict(error.trailing_metadata())["x-request-id"])
    if sent == "mine-42":
        assert set(answered) == {sent}
    else:
        assert len(set(answered)) == 5 and all(len(made) == 32 for made in answered)


WORDS = ("zanzibar", "quokka", "marmalade")


def test_no_query_content(watched_split: Split) -> None:
    """Of searches that work and of those that fail: their words are in no line."""
    with Client(watched_split.address) as client:
        client.search(COLLECTION, text="a quokka in zanzibar", explain=True)
        client.search(COLLECTION, graph="(quokka {marmalade}), not (zanzibar)")
        client.search(COLLECTION, text="marmalade", filter='place = "zanzibar"', returning="text")
        client.rank(text="a quokka", texts=["marmalade from zanzibar"])
        item = Item(id="w", texts=["a quokka eats marmalade"], metadata={"place": "zanzibar"})
        assert all(status.ok for status in client.ingest(COLLECTION, [item]))
        assert client.get(COLLECTION, "w").metadata == {"place": "zanzibar"}
        client.delete(COLLECTION, ["w"])
        for error, query in (
            (InvalidGraphQuery, {"graph": "(quokka {marmalade"}),
            (InvalidFilter, {"text": "a quokka", "filter": "place = = 'zanzibar'"}),
            (ScenographError, {"item_id": "marmalade"}),
            (ScenographError, {"image": b"quokka"}),
        ):
            with pytest.raises(error):
                client.search(COLLECTION, **query)
    found = logs(watched_split)
    assert found["gateway"].count("/Search ") >= 7
    for name, text in found.items():
        for word in WORDS:
            assert word not in text.lower(), name
