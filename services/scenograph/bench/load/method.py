"""The method that a load calls: found in a protoset, in .proto files, or by asking the server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from scenograph.bench.load.template import Called
from scenograph.scene.errors import InvalidInput, Unavailable


@dataclass(frozen=True, slots=True)
class Method:
    """A method and the classes of its messages. `path` goes over the wire: "/package.Service/Method"."""

    path: str
    called: Called
    request: type[Message]
    response: type[Message]


def find_method(call: str, files: bytes) -> Method:
    """The method "package.Service/Method" or "package.Service.Method" in a serialised FileDescriptorSet.

    Errors: InvalidInput (no such method; names those of the service).
    """
    pool = DescriptorPool()
    for proto in _in_order(FileDescriptorSet.FromString(files).file):
        pool.Add(proto)
    service_name, name = split_call(call)
    try:
        service = pool.FindServiceByName(service_name)
    except KeyError as error:
        raise InvalidInput(f"call: no service {service_name!r}", field="call") from error
    if name not in service.methods_by_name:
        known = ", ".join(service.methods_by_name)
        raise InvalidInput(f"call: {service_name} has no method {name!r}; it has {known}", field="call")
    found: MethodDescriptor = service.methods_by_name[name]
    called = Called(
        full_name=found.full_name,
        method=found.name,
        service=service.name,
        input=found.input_type.name,
        output=found.output_type.name,
        client_streaming=found.client_streaming,
        server_streaming=found.server_streaming,
    )
    return Method(
        f"/{service.full_name}/{name}",
        called,
        GetMessageClass(found.input_type),
        GetMessageClass(found.output_type),
    )


def split_call(call: str) -> tuple[str, str]:
    """Service and method.  Errors: InvalidInput."""
    service, _, name = call.rpartition("/") if "/" in call else call.rpartition(".")
    if not service or not name:
        raise InvalidInput(f"call: {call!r} is not package.Service/Method", field="call")
    return service.removeprefix("/"), name


def from_protoset(path: Path) -> bytes:
    """The descriptors of a protoset file.  Errors: OSError, InvalidInput."""
    data = path.read_bytes()
    try:
        FileDescriptorSet.FromString(data)
    except DecodeError as error:
        raise InvalidInput(f"protoset: {path} holds no descriptors", field="protoset") from error
    return data


def from_proto(path: Path, imports: Sequence[str]) -> bytes:
    """The descriptors of a .proto file and of what it imports.  Errors: InvalidInput."""
    try:
        from grpc_tools import protoc
    except ModuleNotFoundError as error:
        raise InvalidInput("proto: needs grpcio-tools; or give a protoset", field="proto") from error
    import grpc_tools

    own = str(Path(grpc_tools.__file__).parent / "_proto")  # google/protobuf/*.proto
    folders = [*imports, str(path.parent), ".", own]
    with tempfile.TemporaryDirectory(prefix="scenograph-") as folder:
        made = Path(folder) / "protoset"
        include = [f"-I{name}" for name in folders]
        wanted = ["--include_imports", f"--descriptor_set_out={made}", str(path)]
        if protoc.main(["protoc", *include, *wanted]) != 0:
            raise InvalidInput(f"proto: {path} does not compile", field="proto")
        return made.read_bytes()


def from_server(channel: grpc.Channel, call: str, metadata: Mapping[str, str], timeout_s: float) -> bytes:
    """The descriptors of a service that the server itself tells, by reflection.

    Errors: InvalidInput (the server has no such service, or no reflection), Unavailable.
    """
    service, _ = split_call(call)
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    ask = stub.ServerReflectionInfo
    found: dict[str, FileDescriptorProto] = {}
    wanted = [reflection_pb2.ServerReflectionRequest(file_containing_symbol=service)]
    while wanted:
        try:
            answers = list(ask(iter(wanted), timeout=timeout_s, metadata=tuple(metadata.items())))
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNIMPLEMENTED:
                raise InvalidInput(
                    "the server has no reflection: give a protoset", field="protoset"
                ) from error
            raise Unavailable(f"reflection: {error.details()}") from error
        for answer in answers:
            if answer.HasField("error_response"):
                message = f"call: the server does not know {service!r}: {answer.error_response.error_message}"
                raise InvalidInput(message, field="call")
            for data in answer.file_descriptor_response.file_descriptor_proto:
                proto = FileDescriptorProto.FromString(data)
                found[proto.name] = proto
        missing = {name for proto in found.values() for name in proto.dependency} - set(found)
        wanted = [reflection_pb2.ServerReflectionRequest(file_by_filename=name) for name in sorted(missing)]
    return FileDescriptorSet(file=found.values()).SerializeToString()


def _in_order(files: Iterable[FileDescriptorProto]) -> list[FileDescriptorProto]:
    """Each file after those that it imports."""
    waiting = {file.name: file for file in files}
    ordered: list[FileDescriptorProto] = []

    def add(name: str) -> None:
        file = waiting.pop(name, None)
        if file is not None:
            for needed in file.dependency:
                add(needed)
            ordered.append(file)

    for name in list(waiting):
        add(name)
    return ordered
