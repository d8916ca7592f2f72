"""Callers of a server that asks who calls, and what it lets each of them do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from scenograph.runtime.security.keys import key_digest, new_key

OWN = ("codes", "passing", "copy", "sample-photos", "items", "empty")
"""The collections that the cases of test_every_rpc work with."""
OTHER = "elsewhere"


@dataclass(frozen=True, eq=False)
class Caller:
    """Somebody with a key, or (without one) nobody."""

    title: str
    roles: dict[str, str] = field(default_factory=dict)
    key: str = field(default_factory=new_key)
    labels: tuple[str, ...] | str = ()

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.key}"),) if self.key else ()

    @property
    def name(self) -> str:
        return self.title.replace(" ", "-")

    def entry(self) -> str:
        roles = ", ".join(f'"{collection}" = "{role}"' for collection, role in self.roles.items())
        labels = json.dumps(self.labels)
        digest = key_digest(self.key)
        lines = ("[[principal]]", f'name = "{self.name}"', f'key_sha256 = ["{digest}"]')
        return "\n".join((*lines, f"roles = {{{roles}}}", f"labels = {labels}"))


NOBODY = Caller("none", key="")
READER = Caller("reader", dict.fromkeys(OWN, "reader"))
WRITER = Caller("writer", dict.fromkeys(OWN, "writer"))
OWNER = Caller("admin", dict.fromkeys(OWN, "admin"))
STRANGER = Caller("admin of another", {OTHER: "admin"})
ADMIN = Caller("admin of all", {"*": "admin"}, labels="*")
CALLERS = (NOBODY, READER, WRITER, OWNER, STRANGER, ADMIN)


def write_principals(path: Path, callers: Iterable[Caller] = CALLERS) -> None:
    path.write_text("\n\n".join(caller.entry() for caller in callers if caller.key) + "\n")


class Recording(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Adds a caller's credentials to each call, and keeps the requests of the last call of each method."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.requests: dict[str, list[bytes]] = {}

    def _call(self, go_on: Any, details: Any, request: Any) -> Any:
        method = details.method
        kept = self.requests[method] = []
        if isinstance(request, Message):
            kept.append(request.SerializeToString())
        else:
            request = self._kept(kept, request)
        metadata = (*(details.metadata or ()), *self._caller.metadata)
        return go_on(details._replace(metadata=metadata), request)

    def _kept(self, kept: list[bytes], requests: Iterable[Message]) -> Iterator[Message]:
        for request in requests:
            kept.append(request.SerializeToString())
            yield request

    intercept_unary_unary = intercept_unary_stream = _call  # type: ignore[assignment]
    intercept_stream_unary = intercept_stream_stream = _call  # type: ignore[assignment]


def methods_of(channel: grpc.Channel) -> dict[str, MethodDescriptor]:
    """Every method that a server says it has, by what it is called with."""
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = DescriptorPool(database)
    found: dict[str, MethodDescriptor] = {}
    for name in database.get_services():
        service = pool.FindServiceByName(name)
        found |= {f"/{name}/{method.name}": method for method in service.methods}
    return found


def call(
    channel: grpc.Channel, method: MethodDescriptor, path: str, requests: list[bytes], caller: Caller
) -> grpc.StatusCode:
    """How a call ends that sends these requests."""
    sides: dict[tuple[bool, bool], Any] = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
        (True, True): channel.stream_stream,
    }
    make = sides[method.client_streaming, method.server_streaming](path)
    request: Any = iter(requests) if method.client_streaming else requests[0]
    try:
        answer = make(request, timeout=60, metadata=caller.metadata)
        if method.server_streaming:
            list(answer)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK
