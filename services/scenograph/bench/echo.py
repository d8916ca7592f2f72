"""An empty echo service on a bare grpc.aio server: what Python and gRPC cost by themselves.

Messages are empty and pass as bytes; there are no interceptors, no other services, no codecs.
`python -m scenograph.bench.echo` serves it on a free port of this machine until it is ended, and prints the
address.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from google.protobuf import empty_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

SERVICE = "scenograph.bench.Echo"
CALL = f"{SERVICE}/Echo"


async def _echo(request: bytes, context: object) -> bytes:
    return request


async def serve() -> None:
    """Serves until cancelled."""
    server = grpc.aio.server()
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Echo": grpc.unary_unary_rpc_method_handler(_echo)
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


def write_protoset(path: Path) -> None:
    """The descriptors of the service, as a load's config names them."""
    file = FileDescriptorProto(name="echo.proto", package=SERVICE.rpartition(".")[0], syntax="proto3")
    file.dependency.append(empty_pb2.DESCRIPTOR.name)
    empty = f".{empty_pb2.Empty.DESCRIPTOR.full_name}"
    service = file.service.add(name=SERVICE.rpartition(".")[2])
    service.method.add(name="Echo", input_type=empty, output_type=empty)
    known = FileDescriptorProto.FromString(empty_pb2.DESCRIPTOR.serialized_pb)
    path.write_bytes(FileDescriptorSet(file=[known, file]).SerializeToString())


@contextmanager
def echo_process() -> Iterator[tuple[str, int]]:
    """The address and the process id of an echo server of one's own, while this lasts."""
    command = [sys.executable, "-m", "scenograph.bench.echo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(serve())
