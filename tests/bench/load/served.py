"""Servers to put load on: the default pack's hashing service, and a probe whose behaviour a test gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet
from tests.runtime.probe import KINDS, NAME

from scenograph.bench.load.config import make_config
from scenograph.bench.load.driver import Load, run_load
from scenograph.hashing.app import HashingApp
from scenograph.hashing.servicer import HashingServicer
from scenograph.runtime.server import Server, ServerOptions
from scenograph.runtime.sessions import Sessions
from scenograph.v1.hashing_pb2_grpc import add_HashingServiceServicer_to_server

HASHING = "scenograph.v1.HashingService"


@asynccontextmanager
async def hashing_server(sessions: Sessions) -> AsyncIterator[str]:
    """The address of a real hashing service."""
    server = Server([HASHING], ServerOptions())
    await server.start()
    server.add(lambda s: add_HashingServiceServicer_to_server(HashingServicer(HashingApp(sessions)), s))
    await server.ready()
    try:
        yield server.address
    finally:
        await server.stop()


def probe_protoset(folder: Path) -> str:
    """A protoset of the probe service; its path."""
    package, _, service = NAME.rpartition(".")
    file = FileDescriptorProto(name="probe.proto", package=package, syntax="proto3")
    text = file.message_type.add(name="Text")  # a StringValue on the wire, an object in JSON
    text.field.add(
        name="value",
        number=1,
        type=FieldDescriptorProto.TYPE_STRING,
        label=FieldDescriptorProto.LABEL_OPTIONAL,
    )
    added = file.service.add(name=service)
    for kind in KINDS:
        added.method.add(
            name=kind,
            input_type=f".{package}.Text",
            output_type=f".{package}.Text",
            client_streaming=kind[0] == "S",
            server_streaming=kind[1] == "S",
        )
    path = folder / "probe.protoset"
    path.write_bytes(FileDescriptorSet(file=[file]).SerializeToString())
    return str(path)


async def loaded(address: str, values: dict[str, Any], **options: Any) -> Load:
    """The load of a config on a server of this very event loop."""
    config = make_config({"host": address, "insecure": True} | values)
    return await asyncio.to_thread(run_load, config, **options)
