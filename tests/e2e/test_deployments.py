"""All services in one process, and one process for each, give the same answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client, Page, Part
from scenograph.client.errors import CollectionNotFound, InvalidGraphQuery, ServiceMissing
from tests.e2e.conftest import PHOTOS, SERVICES, Deployment
from tests.e2e.photos import CAT, COFFEE
from tests.e2e.test_every_rpc import SERVICES as CONTRACT

QUERIES = {
    "sentence": {"text": "a red motorcycle in a garage"},
    "photo": {"image": COFFEE},
    "photo for sentences": {"image": CAT, "returning": "text"},
    "graph": {"graph": "(cat), not (person)"},
    "item": {"item_id": "rocket"},
    "mix": {"parts": [Part(text="a cup", weight=2.0), Part(image=CAT, weight=0.5)]},
    "filtered": {"text": "a picture of space", "filter": 'topic = "space"'},
    "coarse": {"text": "a man with a camera", "stage": "coarse"},
    "weights": {"text": "a man with a camera", "weights": {"coarse": 0.2, "cosine": 0.5, "graph": 0.3}},
    "levels": {"text": "a man with a camera", "level_weights": {"scene": 2.0, "object": 1.0}},
    "matching": {"text": "a man with a camera", "match_weights": {"learned": 1.0, "symbolic": 3.0}},
}


def _same(one: Page, other: Page) -> None:
    assert [(hit.id, hit.text_index, hit.text) for hit in one] == [
        (hit.id, hit.text_index, hit.text) for hit in other
    ]
    for mine, theirs in zip(one, other, strict=True):
        assert mine.score == pytest.approx(theirs.score, abs=1e-4)
        for part in ("coarse", "cosine", "graph"):
            assert getattr(mine.parts, part) == pytest.approx(getattr(theirs.parts, part), abs=1e-4)
        assert mine.parts.levels == pytest.approx(dict(theirs.parts.levels), abs=1e-4)
        assert mine.metadata == theirs.metadata
        assert [(m.query, m.found) for m in mine.matches] == [(m.query, m.found) for m in theirs.matches]
        assert (mine.unmatched, mine.violations) == (theirs.unmatched, theirs.violations)


@pytest.mark.parametrize("name", QUERIES)
def test_the_same_search(name: str, together: Deployment, apart: Deployment) -> None:
    with Client(together.gateway) as one, Client(apart.gateway) as other:
        first = one.search(PHOTOS, explain=True, limit=20, **QUERIES[name])  # type: ignore[arg-type]
        second = other.search(PHOTOS, explain=True, limit=20, **QUERIES[name])  # type: ignore[arg-type]
    assert first.hits
    _same(first, second)


def test_the_same_items(together: Deployment, apart: Deployment) -> None:
    with Client(together.gateway) as one, Client(apart.gateway) as other:
        for name in ("astronaut", "coffee"):
            mine, theirs = one.get(PHOTOS, name), other.get(PHOTOS, name)
            assert str(mine.image_graph) == str(theirs.image_graph)
            assert [str(graph) for graph in mine.text_graphs] == [str(graph) for graph in theirs.text_graphs]
            assert mine.metadata == theirs.metadata


def test_the_same_errors(together: Deployment, apart: Deployment) -> None:
    found = []
    for deployment in (together, apart):
        with Client(deployment.gateway) as client:
            with pytest.raises(CollectionNotFound) as missing:
                client.search("nowhere", text="a dog")
            with pytest.raises(InvalidGraphQuery) as malformed:
                client.search(PHOTOS, graph="(dog")
            found.append([(type(e.value), str(e.value)) for e in (missing, malformed)])
    assert found[0] == found[1]


def test_parse_and_describe_are_at_their_own_services(together: Deployment, apart: Deployment) -> None:
    with Client(together.gateway) as whole, Client(apart.addresses["textual"]) as textual:
        assert textual.parse(["a man riding a horse"]) == whole.parse(["a man riding a horse"])
    with Client(together.gateway) as whole, Client(apart.addresses["visual"]) as visual:
        assert str(visual.describe(CAT).graph) == str(whole.describe(CAT).graph)
    with Client(apart.gateway) as gateway, pytest.raises(ServiceMissing, match="TextualGraphService"):
        gateway.parse(["a dog"])


def _reflected(address: str) -> tuple[set[str], set[str]]:
    """Services by reflection, and the methods of the first file that describes each."""
    with grpc.insecure_channel(address) as channel:
        ask_all: Any = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo

        def ask(request: reflection_pb2.ServerReflectionRequest) -> reflection_pb2.ServerReflectionResponse:
            answers: Iterator[reflection_pb2.ServerReflectionResponse] = ask_all(iter([request]))
            return next(answers)

        listed = ask(reflection_pb2.ServerReflectionRequest(list_services=""))
        services = {service.name for service in listed.list_services_response.service}
        methods = set()
        for service in services:
            found = ask(reflection_pb2.ServerReflectionRequest(file_containing_symbol=service))
            for raw in found.file_descriptor_response.file_descriptor_proto:
                file = FileDescriptorProto.FromString(raw)
                methods |= {f"{s.name}/{m.name}" for s in file.service for m in s.method}
    return services, methods


INFERENCE = "inference.GRPCInferenceService"
ADMIN = "scenograph.v1.AdminService"
STANDARD = {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


def test_reflection_lists_all_services(together: Deployment) -> None:
    services, methods = _reflected(together.gateway)
    assert services == {service.full_name for service in CONTRACT} | STANDARD
    assert {f"{service.name}/{method.name}" for service in CONTRACT for method in service.methods} <= methods


def test_reflection_and_health_of_single_services(apart: Deployment) -> None:
    for name in (*SERVICES, "gateway"):
        services, _ = _reflected(apart.addresses[name])
        inference = {INFERENCE} if name in ("encoder", "hashing", "matching") else set()
        admin = {ADMIN} if name != "index" else set()
        (own,) = services - STANDARD - inference - admin
        assert inference | admin <= services
        with Client(apart.addresses[name]) as client:
            assert client.health() == client.health(own) == "SERVING"


def test_serving_imports_no_torch(server: ServerProcess, together: Deployment) -> None:
    """No library of torch is mapped into the server's memory, after it has done all its work."""
    assert server.process is not None
    maps = Path(f"/proc/{server.process.pid}/maps")
    if not maps.exists():
        pytest.skip("this system has no /proc/PID/maps")
    mapped = maps.read_text()
    assert "onnxruntime" in mapped and "faiss" in mapped
    assert "/torch" not in mapped and "libtorch" not in mapped


def test_serving_modules_need_no_torch() -> None:
    """Every service's modules can be imported where torch is not installed."""
    parts = ("apps", "loading", "parts", "process", "remotes", "servicers", "switched")
    modules = ("serve", *(f"compose.{name}" for name in parts))
    services = ("admin", "visual", "textual", "encoder", "hashing", "matching", "index", "gateway")
    names = [f"scenograph.cli.{name}" for name in modules]
    names += [f"scenograph.{service}.{part}" for service in services for part in ("app", "servicer")]
    code = (
        "import importlib, sys\n"
        "for name in ('torch', 'torch_geometric', 'onnx', 'onnxscript'): sys.modules[name] = None\n"
        f"for name in {names}: importlib.import_module(name)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
