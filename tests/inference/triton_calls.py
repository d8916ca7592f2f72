"""Calls of tritonclient, in a process of their own: its stubs and ours name the same messages.

`python triton_calls.py ADDRESS CALL [FILE]` prints what the call of that name answers, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import queue
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as aio_client
from tritonclient.utils import InferenceServerException

Answer = Any
CALLS: dict[str, Callable[[Any, bytes], Answer]] = {}


def call(function: Callable[[Any, bytes], Answer]) -> Callable[[Any, bytes], Answer]:
    CALLS[function.__name__] = function
    return function


def texts(*words: str | bytes) -> Any:
    given = triton.InferInput("text", [len(words)], "BYTES")
    given.set_data_from_numpy(np.array(words, dtype=np.object_))
    return given


def tensor(name: str, array: Any) -> Any:
    datatype = {"float32": "FP32", "float64": "FP64", "int64": "INT64", "uint8": "UINT8"}[array.dtype.name]
    given = triton.InferInput(name, list(array.shape), datatype)
    given.set_data_from_numpy(array)
    return given


def refusal(function: Callable[..., Any], *args: Any, **options: Any) -> list[str]:
    """The status and the words with which a call is refused."""
    try:
        answer = function(*args, **options)
    except InferenceServerException as error:
        return [str(error.status()).removeprefix("StatusCode."), error.message()]
    raise AssertionError(f"not refused: {answer}")


@call
def about(client: Any, file: bytes) -> Answer:
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "server": client.get_server_metadata(as_json=True),
        "models": client.get_model_repository_index(as_json=True)["models"],
        "known": client.is_model_ready("encode_text"),
        "unknown": client.is_model_ready("telepathy"),
        "other_version": client.is_model_ready("encode_text", "0.0.1"),
        "encode_text": client.get_model_metadata("encode_text", as_json=True),
        "text_encoder": client.get_model_metadata("text_encoder", as_json=True),
    }


@call
def embeddings(client: Any, file: bytes) -> Answer:
    image = triton.InferInput("image", [1], "BYTES")
    image.set_data_from_numpy(np.array([file], dtype=np.object_))
    seen = client.infer("encode_image", [image], request_id="photo")
    wanted = [triton.InferRequestedOutput("embedding")]
    version = client.get_model_metadata("encode_text").versions[0]
    read = client.infer(
        "encode_text",
        [texts("a cat", "ein Mädchen")],
        model_version=version,
        outputs=wanted,
        parameters={"kind": "query", "weight": 0.5, "first": True},
        priority=1,
        timeout=1000,
    )
    hashed = client.infer("hash_embedding", [tensor("embedding", seen.as_numpy("embedding"))])
    return {
        "id": seen.get_response().id,
        "version": read.get_response().model_version,
        "image": seen.as_numpy("embedding").tolist(),
        "text": read.as_numpy("embedding").tolist(),
        "code": hashed.as_numpy("code").tolist(),
        "projections": hashed.as_numpy("projections").tolist(),
    }


@call
def raw_models(client: Any, file: bytes) -> Answer:
    ids = tensor("input_ids", np.array([[101, 1037, 4937, 102]], dtype=np.int64))
    mask = tensor("attention_mask", np.ones((1, 4), dtype=np.int64))
    wanted = [triton.InferRequestedOutput(name) for name in ("tokens", "sentence")]
    read = client.infer("text_encoder", [mask, ids], outputs=wanted)
    rng = np.random.default_rng(3)
    units = {
        "text": rng.normal(size=(2, 3, 128)),
        "weights": np.ones((2, 3)) / 3,
        "text_scene": np.zeros((2, 3)),
        "visual": rng.normal(size=(4, 5, 128)),
        "present": np.ones((4, 5)),
        "visual_scene": np.zeros((4, 5)),
    }
    inputs = [tensor(name, array.astype(np.float32)) for name, array in units.items()]
    matched = client.infer("unit_matcher", inputs)
    return {
        "given": [output.name for output in read.get_response().outputs],
        "sentence": read.as_numpy("sentence").tolist(),
        "score": matched.as_numpy("score").tolist(),
        "place": [str(matched.as_numpy("place").dtype), *matched.as_numpy("place").shape],
    }


@call
def many(client: Any, file: bytes) -> Answer:
    """Concurrent calls, and a stream in which the second of three requests fails."""
    answers: queue.Queue[tuple[Any, Any]] = queue.Queue()

    def put(result: Any, error: Any) -> None:
        answers.put((result, error))

    for n in range(8):
        client.async_infer("encode_text", [texts(f"{n} dogs")], put, request_id=str(n))
    found = [answers.get(timeout=60) for _ in range(8)]
    alone = {
        str(n): client.infer("encode_text", [texts(f"{n} dogs")]).as_numpy("embedding") for n in range(8)
    }
    off = [
        float(np.abs(result.as_numpy("embedding") - alone[result.get_response().id]).max())
        for result, _ in found
    ]
    client.start_stream(put)
    client.async_stream_infer("encode_text", [texts("1 dogs")], request_id="first")
    client.async_stream_infer("encode_text", [texts(" ")], request_id="second")
    client.async_stream_infer("encode_text", [texts("2 dogs")], request_id="third")
    streamed = [answers.get(timeout=60) for _ in range(3)]
    client.stop_stream()
    return {
        "ids": sorted(result.get_response().id for result, _ in found),
        "off": max(off),
        "streamed": [error.message() if error else result.get_response().id for result, error in streamed],
    }


@call
def aio(client: Any, file: bytes) -> Answer:
    """The client for asyncio, in one call and in a stream."""

    async def ask() -> Answer:
        async def requests() -> AsyncIterator[dict[str, Any]]:
            for n in range(3):
                inputs = [texts(*["a dog"] * n)] if n else []
                yield {"model_name": "encode_text", "inputs": inputs, "request_id": str(n)}

        async with aio_client.InferenceServerClient(sys.argv[1]) as other:
            answer = await other.infer("encode_text", [texts("a dog")])
            streamed = []
            async for result, error in other.stream_infer(requests()):
                streamed.append(error.message() if error else result.as_numpy("embedding").shape)
            return {"shape": answer.as_numpy("embedding").shape, "streamed": streamed}

    return asyncio.run(ask())


@call
def loading(client: Any, file: bytes) -> Answer:
    """A model is unloaded, loaded again, and what it answers meanwhile."""

    def state() -> tuple[Any, list[Any]]:
        models = client.get_model_repository_index(as_json=True)["models"]
        listed = [[m["state"], m.get("reason", "")] for m in models if m["name"] == "hash_head"]
        return client.is_model_ready("hash_head"), listed

    row = [tensor("embedding", np.ones((1, 960), dtype=np.float32))]
    seen: dict[str, Answer] = {"before": state()}
    client.unload_model("hash_head")
    try:
        seen["unloaded"] = state()
        seen["refused"] = refusal(client.infer, "hash_head", row)
        seen["other"] = client.infer("hash_embedding", row).as_numpy("code").shape
    finally:
        client.load_model("hash_head")
    seen["loaded"] = state()
    seen["again"] = client.infer("hash_head", row).as_numpy("projections").shape
    seen["config"] = refusal(client.load_model, "hash_head", config='{"max_batch_size": 8}')
    seen["unknown"] = refusal(client.load_model, "telepathy")
    return seen


@call
def refusals(client: Any, file: bytes) -> Answer:
    def rows(count: int, size: int = 960, dtype: str = "float32", name: str = "embedding") -> list[Any]:
        return [tensor(name, np.ones((count, size), dtype=dtype))]

    ids = np.array([[101, 10**9, 102]], dtype=np.int64)
    shared = rows(1)
    shared[0].set_shared_memory("region", 3840)
    classes = [triton.InferRequestedOutput("projections", class_count=3)]
    return {
        "model": refusal(client.infer, "telepathy", rows(1)),
        "version": refusal(client.infer, "hash_head", rows(1), model_version="9.9.9"),
        "metadata": refusal(client.get_model_metadata, "telepathy"),
        "input": refusal(client.infer, "hash_head", rows(1, name="vector")),
        "datatype": refusal(client.infer, "hash_head", rows(1, dtype="float64")),
        "shape": refusal(client.infer, "hash_head", rows(1, 384)),
        "empty": refusal(client.infer, "hash_head", rows(0)),
        "output": refusal(client.infer, "hash_head", rows(1), outputs=[triton.InferRequestedOutput("code")]),
        "classes": refusal(client.infer, "hash_head", rows(1), outputs=classes),
        "shared": refusal(client.infer, "hash_head", shared),
        "missing": refusal(client.infer, "text_encoder", [tensor("input_ids", ids)]),
        "sizes": refusal(
            client.infer,
            "text_encoder",
            [tensor("input_ids", ids), tensor("attention_mask", np.ones((1, 2), dtype=np.int64))],
        ),
        "values": refusal(
            client.infer,
            "text_encoder",
            [tensor("input_ids", ids), tensor("attention_mask", np.ones((1, 3), dtype=np.int64))],
        ),
        "text": refusal(client.infer, "encode_text", [texts("a dog", "")]),
        "encoding": refusal(client.infer, "encode_text", [texts(b"\xff\xfe")]),
        "count": refusal(client.infer, "encode_text", [texts(*["a dog"] * 1025)]),
    }


@call
def descriptor(client: Any, file: bytes) -> Answer:
    """tritonclient's own description of the protocol, as hexadecimal bytes."""
    return triton.service_pb2.DESCRIPTOR.serialized_pb.hex()


if __name__ == "__main__":
    address, name, *files = sys.argv[1:]
    content = Path(files[0]).read_bytes() if files else b""
    print(json.dumps(CALLS[name](triton.InferenceServerClient(address), content)))
