"""The configs of deploy/ghz: what they call is there, and what they send is a request of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_health.v1 import health_pb2
from tests.support import ROOT

from scenograph.bench.load.config import NOT_HERE, LoadConfig, make_config, read_config
from scenograph.bench.load.method import find_method, from_protoset
from scenograph.bench.load.payloads import Payloads
from scenograph.bench.load.template import Call
from scenograph.prep import decode_image
from scenograph.v1 import encoder_pb2

FOLDER = ROOT / "deploy" / "ghz"
CONFIGS = sorted(FOLDER.glob("*.json"))
PROTOS = sorted((ROOT / "protos" / "scenograph").glob("*/*.proto"))
HEALTH = FileDescriptorSet(file=[FileDescriptorProto.FromString(health_pb2.DESCRIPTOR.serialized_pb)])
SERVICES = {
    "EncoderService",
    "GatewayService",
    "Health",
    "HashingService",
    "MatchingService",
    "TextualGraphService",
    "VisualGraphService",
}


def _config(path: Path) -> LoadConfig:
    return make_config(read_config(path))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_method_is_there_and_takes_the_data(path: Path) -> None:
    config = _config(path)
    assert config.insecure and config.host and config.name
    files = from_protoset(Path(config.protoset)) if config.protoset else HEALTH.SerializeToString()
    method = find_method(config.call, files)
    payloads = Payloads(method, config.data, config.metadata)
    made = {bytes(payloads.messages(Call(number, "g0", method.called))[0]) for number in range(12)}
    elements = len(config.data) if isinstance(config.data, list) else 1
    if not method.called.client_streaming:
        assert len(made) >= min(elements, 12)


def test_each_service_has_a_config() -> None:
    assert {_config(path).call.split("/")[0].split(".")[-1] for path in CONFIGS} == SERVICES


def test_the_pictures_are_pictures() -> None:
    config = _config(FOLDER / "encode-images.json")
    method = find_method(config.call, from_protoset(FOLDER / "scenograph.protoset"))
    payloads = Payloads(method, config.data, {})
    for number in range(3):
        (message,) = payloads.messages(Call(number, "g0", method.called))
        (image,) = encoder_pb2.EncodeImagesRequest.FromString(message).images
        assert decode_image(image.image.content).shape == (240, 320, 3)


def test_the_protoset_is_that_of_the_protos(tmp_path: Path) -> None:
    made = tmp_path / "protoset"
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'protos'}", "--include_imports"]
    subprocess.run([*command, f"--descriptor_set_out={made}", *map(str, PROTOS)], check=True)
    assert made.read_bytes() == (FOLDER / "scenograph.protoset").read_bytes(), "run make protoset"


def test_the_guide_tells_of_every_key_and_config() -> None:
    guide = (ROOT / "docs" / "guides" / "load-testing.md").read_text()
    keys = {field.encode_name for field in msgspec.structs.fields(LoadConfig)} | set(NOT_HERE)
    assert [name for name in sorted(keys | {path.stem for path in CONFIGS}) if f"`{name}`" not in guide] == []
