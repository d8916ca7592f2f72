"""Every RPC of a running server, without credentials, with too few, with another tenant's: who is let in.

The table of it is in docs/security.md; RENEW=1 writes it anew. An RPC without a rule or a case fails here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc

from scenograph.runtime.security.rules import REFLECTION, RULES
from tests.e2e import test_every_rpc as every
from tests.e2e.access import (
    ADMIN,
    CALLERS,
    NOBODY,
    OWNER,
    READER,
    STRANGER,
    WRITER,
    Caller,
    Recording,
    methods_of,
)
from tests.e2e.access import call as call_with
from tests.e2e.conftest import Guarded
from tests.support import ROOT

HEALTH = "/grpc.health.v1.Health/"
PAGE = ROOT / "docs/security.md"
START, END = "<!-- access: made by tests/e2e/test_access_table.py -->", "<!-- end of access -->"
REFUSED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}

Table = dict[str, dict[Caller, grpc.StatusCode]]


@pytest.fixture(scope="module")
def recorded(guarded: Guarded) -> Iterator[dict[str, list[bytes]]]:
    """The requests of every case, all of which pass for an administrator."""
    recording = Recording(ADMIN)
    with grpc.insecure_channel(guarded.address, [("grpc.max_receive_message_length", -1)]) as bare:
        channel = grpc.intercept_channel(bare, recording)
        with every.index_collection_made(channel):
            for run in dict.fromkeys(every.CASES.values()):
                run(channel)
            yield recording.requests


@pytest.fixture(scope="module")
def methods(guarded: Guarded) -> dict[str, MethodDescriptor]:
    with grpc.insecure_channel(guarded.address) as bare:
        return methods_of(grpc.intercept_channel(bare, Recording(ADMIN)))


@pytest.fixture(scope="module")
def table(guarded: Guarded, recorded: dict[str, list[bytes]], methods: dict[str, MethodDescriptor]) -> Table:
    """How the recorded requests of each method end for each caller; an administrator's went well."""
    found: Table = {}
    with grpc.insecure_channel(guarded.address, [("grpc.max_receive_message_length", -1)]) as channel:
        for path, requests in recorded.items():
            found[path] = {
                caller: call_with(channel, methods[path], path, requests, caller)
                for caller in CALLERS
                if caller is not ADMIN
            }
            found[path][ADMIN] = grpc.StatusCode.OK
    return found


def test_every_method_of_the_server_has_a_rule_and_a_case(
    methods: dict[str, MethodDescriptor], recorded: dict[str, list[bytes]]
) -> None:
    guarded_ones = {path for path in methods if not path.startswith(HEALTH)}
    assert guarded_ones == set(RULES)
    assert guarded_ones == set(recorded) | {f"/{REFLECTION}/ServerReflectionInfo"}
    assert {path.rpartition(".")[2] for path in recorded} == set(every.RPCS)


def test_nobody_gets_in_without_credentials(table: Table) -> None:
    assert {codes[NOBODY] for codes in table.values()} == {grpc.StatusCode.UNAUTHENTICATED}


def test_nobody_gets_into_another_tenants_collections(
    table: Table, methods: dict[str, MethodDescriptor]
) -> None:
    """Whatever names a collection, anywhere in its request, is refused."""
    named = {path for path, method in methods.items() if path in table and _names_a_collection(method)}
    assert len(named) > 20
    assert {table[path][STRANGER] for path in named} == {grpc.StatusCode.PERMISSION_DENIED}


def _names_a_collection(method: MethodDescriptor) -> bool:
    request = method.input_type
    nested = [field.message_type for field in request.fields if field.message_type is not None]
    fields = {field.name for message in (request, *nested) for field in message.fields}
    return "collection" in fields or ("Collection" in method.name and "name" in fields)


def test_each_role_may_do_what_lower_ones_may(table: Table) -> None:
    for path, codes in table.items():
        allowed = [codes[caller] not in REFUSED for caller in (NOBODY, READER, WRITER, OWNER, ADMIN)]
        assert allowed == sorted(allowed), path
        assert codes[READER] is not grpc.StatusCode.UNAUTHENTICATED


def test_health_is_open(guarded: Guarded) -> None:
    with grpc.insecure_channel(guarded.address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        assert stub.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
def test_reflection_needs_a_reader(guarded: Guarded, caller: Caller) -> None:
    with grpc.insecure_channel(guarded.address) as bare:
        channel = grpc.intercept_channel(bare, Recording(caller))
        if caller is not NOBODY:
            assert "/scenograph.v1.GatewayService/Search" in methods_of(channel)
            return
        with pytest.raises(grpc.RpcError) as caught:
            methods_of(channel)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def markdown(table: Table) -> str:
    titles = ["RPC", *(caller.title for caller in CALLERS)]
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    for path in sorted(table, key=lambda path: (path.rpartition("/")[0], list(RULES).index(path))):
        cells = [_cell(table[path][caller]) for caller in CALLERS]
        lines.append(f"| `{path[1:].removeprefix('scenograph.v1.')}` | {' | '.join(cells)} |")
    refused = [sum(codes[caller] in REFUSED for codes in table.values()) for caller in CALLERS]
    lines.append(f"| refused of {len(table)} | {' | '.join(map(str, refused))} |")
    return "\n".join(lines)


def _cell(code: grpc.StatusCode) -> str:
    shown = {grpc.StatusCode.UNAUTHENTICATED: "unknown", grpc.StatusCode.PERMISSION_DENIED: "denied"}
    return shown.get(code, "yes")


def test_the_table_in_the_guide(table: Table) -> None:
    """Made anew by: RENEW=1 pytest tests/e2e/test_access_table.py"""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(START)
    after = rest.partition(END)[2]
    renewed = f"{before}{START}\n{markdown(table)}\n{END}{after}"
    if os.environ.get("RENEW"):
        PAGE.write_text(renewed, encoding="utf-8")
    assert renewed == page or os.environ.get("RENEW")
