"""tritonclient, as users install it, with a real server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from tests.support import ROOT, sample_photo

from scenograph.cli.server_process import ServerProcess
from scenograph.oip import inference_pb2
from scenograph.packs import Pack
from scenograph.runtime.sessions import Sessions
from scenograph.v1 import common_pb2, encoder_pb2, encoder_pb2_grpc, hashing_pb2, hashing_pb2_grpc

SCRIPT = Path(__file__).with_name("triton_calls.py")
GUIDE = ROOT / "docs" / "guides" / "inference-protocol.md"
PHOTO = sample_photo("chelsea.png")

Triton = Callable[..., Any]


@pytest.fixture(scope="module")
def triton(server: ServerProcess) -> Triton:
    """Answers of the calls of triton_calls.py."""

    def ask(name: str, *files: Path) -> Any:
        command = [sys.executable, str(SCRIPT), server.address, name, *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


def test_what_there_is(triton: Triton, default_pack: Pack) -> None:
    seen = triton("about")
    assert seen["live"] and seen["ready"] and seen["known"]
    assert not seen["unknown"] and not seen["other_version"]
    assert (seen["server"]["name"], "model_repository" in seen["server"]["extensions"]) == (
        "scenograph",
        True,
    )
    names = [model["name"] for model in seen["models"]]
    assert names == sorted(names) and {
        "backbone",
        "detector",
        "encode_image",
        "encode_text",
        "graph_matcher",
        "hash_embedding",
        "hash_head",
        "image_head",
        "text_encoder",
        "text_head",
        "text_units",
        "unit_matcher",
    } == set(names)
    assert {(model["state"], model["version"]) for model in seen["models"]} == {
        ("READY", default_pack.version)
    }
    assert seen["encode_text"]["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": ["-1"]}]
    assert seen["encode_text"]["outputs"] == [
        {"name": "embedding", "datatype": "FP32", "shape": ["-1", "960"]}
    ]
    model = default_pack.manifest.models["text_encoder"]
    assert seen["text_encoder"]["platform"] == "onnxruntime_onnx"
    assert [tensor["name"] for tensor in seen["text_encoder"]["outputs"]] == [o.name for o in model.outputs]
    assert seen["text_encoder"]["inputs"][0] == {
        "name": "input_ids",
        "datatype": "INT64",
        "shape": ["-1", "-1"],
    }


def test_embeddings_and_codes_are_the_services_own(
    triton: Triton, server: ServerProcess, default_pack: Pack
) -> None:
    seen = triton("embeddings", PHOTO)
    with grpc.insecure_channel(server.address) as channel:
        encoder = encoder_pb2_grpc.EncoderServiceStub(channel)
        picture = encoder_pb2.ImageInput(image=common_pb2.Image(content=PHOTO.read_bytes()))
        image = encoder.EncodeImages(encoder_pb2.EncodeImagesRequest(images=[picture])).embeddings
        text = encoder.EncodeTexts(encoder_pb2.EncodeTextsRequest(texts=["a cat", "ein Mädchen"])).embeddings
        hashed = hashing_pb2_grpc.HashingServiceStub(channel).Hash(
            hashing_pb2.HashRequest(embeddings=image, include_projections=True)
        )
    np.testing.assert_allclose(seen["image"], [vector.values for vector in image], atol=1e-6)
    np.testing.assert_allclose(seen["text"], [vector.values for vector in text], atol=1e-6)
    assert [bytes(code) for code in seen["code"]] == [code.bits for code in hashed.codes]
    np.testing.assert_allclose(seen["projections"], [p.values for p in hashed.projections], atol=1e-6)
    assert (seen["id"], seen["version"]) == ("photo", default_pack.version)


def test_models_of_the_pack_by_their_names(triton: Triton, sessions: Sessions) -> None:
    seen = triton("raw_models")
    ids = np.array([[101, 1037, 4937, 102]], dtype=np.int64)
    own = sessions.infer("text_encoder", {"input_ids": ids, "attention_mask": np.ones_like(ids)})
    assert seen["given"] == ["tokens", "sentence"]
    np.testing.assert_allclose(seen["sentence"], own["sentence"], atol=1e-6)
    assert np.shape(seen["score"]) == (2, 4) and seen["place"] == ["int64", 2, 3, 4]


def test_concurrent_and_streamed_requests(triton: Triton) -> None:
    seen = triton("many")
    assert seen["ids"] == [str(n) for n in range(8)]
    assert seen["off"] < 2e-3  # of the model's 8-bit weights: which texts run together is chance
    assert seen["streamed"] == ["first", 'input "text", element 0: the text is empty', "third"]


def test_the_client_for_asyncio(triton: Triton) -> None:
    seen = triton("aio")
    assert seen["shape"] == [1, 960]
    missing = 'model "encode_text" needs the input "text" (BYTES [batch])'
    assert seen["streamed"] == [missing, [1, 960], [2, 960]]


def test_the_guide(server: ServerProcess, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "a.jpg").write_bytes(PHOTO.read_bytes())
    code = example.replace("localhost:7700", server.address) + "print(texts.shape, photo.shape, code.shape)\n"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.splitlines()[-1] == "(2, 960) (1, 960) (1, 32)"


def test_the_guide_has_every_model(triton: Triton) -> None:
    names = {model["name"] for model in triton("about")["models"]}
    rows = GUIDE.read_text(encoding="utf-8").partition("## Models")[2].partition("\n## ")[0].splitlines()
    cells = [row.split("|")[1] for row in rows if row.startswith("| `")]
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == names


def test_a_model_is_unloaded_and_loaded(triton: Triton) -> None:
    seen = triton("loading")
    ready = [True, [["READY", ""]]]
    assert seen["before"] == seen["loaded"] == ready
    assert seen["unloaded"] == [False, [["UNAVAILABLE", "unloaded"]]]
    assert seen["refused"] == ["FAILED_PRECONDITION", 'model "hash_head" is unavailable: unloaded']
    assert seen["other"] == [1, 32] and seen["again"] == [1, 256]
    assert seen["config"] == ["INVALID_ARGUMENT", "models are loaded as the pack has them, without config"]
    assert seen["unknown"][0] == "NOT_FOUND"


def test_what_is_wrong_is_said(triton: Triton) -> None:
    seen = triton("refusals")
    missing = {"model", "version", "metadata"}
    codes = {name: "NOT_FOUND" if name in missing else "INVALID_ARGUMENT" for name in seen}
    assert {name: code for name, (code, _) in seen.items()} == codes
    words = {
        "model": 'no model "telepathy"; there are backbone',
        "version": 'model "hash_head" has the version',
        "metadata": 'no model "telepathy"',
        "input": 'model "hash_head" has no input "vector"; it takes embedding',
        "datatype": 'input "embedding" takes FP32 [batch, 960], not FP64',
        "shape": 'input "embedding" takes FP32 [batch, 960], not [1, 384]',
        "empty": 'the inputs of model "hash_head" are empty',
        "output": 'model "hash_head" has no output "code"; it gives projections',
        "classes": 'the parameter "classification" of outputs[projections] is not served',
        "shared": 'the parameter "shared_memory_region" of inputs[embedding] is not served',
        "missing": 'model "text_encoder" needs the input "attention_mask" (INT64 [batch, tokens])',
        "sizes": 'input "attention_mask" takes INT64 [batch, tokens]: "tokens" is 2 here and 3 before',
        "values": 'model "text_encoder" cannot run on these values: indices element out of data bounds, idx=',
        "text": 'input "text", element 1: the text is empty',
        "encoding": 'input "text", element 0: the text is not UTF-8',
        "count": 'input "text": takes 1 to 1024, 1025 given',
    }
    assert {name: said[: len(words[name])] for name, (_, said) in seen.items()} == words


def test_names_and_numbers_are_the_protocols(triton: Triton) -> None:
    theirs = FileDescriptorProto.FromString(bytes.fromhex(triton("descriptor")))
    ours = FileDescriptorProto.FromString(inference_pb2.DESCRIPTOR.serialized_pb)
    assert ours.package == theirs.package
    known = _fields(theirs.message_type)
    assert {name: known[name] for name in _fields(ours.message_type)} == _fields(ours.message_type)
    (service,), (other,) = ours.service, theirs.service
    methods = {method.name: method for method in other.method}
    assert service.name == other.name
    for method in service.method:
        method.ClearField("options")
        methods[method.name].ClearField("options")
        assert method == methods[method.name]


def _fields(messages: Any, prefix: str = "") -> dict[str, object]:
    """Number, type and place of every field of messages and of those inside them."""
    found: dict[str, object] = {}
    message: DescriptorProto
    for message in messages:
        for field in message.field:
            key = f"{prefix}{message.name}.{field.name}"
            found[key] = (
                field.number,
                field.type,
                field.label,
                field.type_name,
                field.HasField("oneof_index"),
            )
        found |= _fields(message.nested_type, f"{prefix}{message.name}.")
    return found
