"""Models of the default pack, batched: the answers are those of the sessions, and each caller's own."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import numpy as np
import pytest

from scenograph.inference.app import InferenceApp, Run
from scenograph.inference.models import OnnxModel
from scenograph.inference.tensors import Array, check_feeds
from scenograph.packs import Pack
from scenograph.packs.golden import read_golden
from scenograph.runtime.sessions import Sessions
from scenograph.scene.errors import FailedPrecondition, InvalidInput, NotFound, PackCorrupt, QueueFull

MODELS = (
    "text_encoder",
    "image_head",
    "text_head",
    "hash_head",
    "text_units",
    "graph_matcher",
    "unit_matcher",
)


def onnx_model(name: str, sessions: Sessions, max_rows: int = 16, max_queue: int = 64) -> OnnxModel:
    return OnnxModel(name, sessions, max_rows=max_rows, max_queue=max_queue)


def rows(count: int, seed: int = 0) -> dict[str, Array]:
    return {"embedding": np.random.default_rng(seed).normal(size=(count, 960)).astype(np.float32)}


@pytest.mark.parametrize("name", MODELS)
async def test_recorded_inputs_give_recorded_outputs(name: str, sessions: Sessions) -> None:
    feeds, expected = read_golden(sessions.pack.path("golden.npz"))[name]
    model = onnx_model(name, sessions)
    check_feeds(name, model.inputs, feeds)
    answer = await model.infer(feeds)
    limit = sessions.pack.manifest.models[name].tolerance
    for output, want in expected.items():
        assert answer[output].shape == want.shape
        np.testing.assert_allclose(answer[output], want, atol=limit)


async def test_concurrent_calls_share_runs_and_keep_their_rows(sessions: Sessions) -> None:
    calls = [rows(count, seed=count) for count in (1, 3, 20, 2)]
    model = onnx_model("hash_head", sessions)
    answers = await asyncio.gather(*(model.infer(call) for call in calls))
    for call, answer in zip(calls, answers, strict=True):
        own = sessions.infer("hash_head", call)["projections"]
        np.testing.assert_allclose(answer["projections"], own, atol=1e-5)


async def test_a_call_that_the_model_refuses_fails_alone(sessions: Sessions) -> None:
    def tokens(*ids: int) -> dict[str, Array]:
        row = np.array([ids], dtype=np.int64)
        return {"input_ids": row, "attention_mask": np.ones_like(row)}

    model = onnx_model("text_encoder", sessions)
    calls = [tokens(101, 3899, 102), tokens(101, 10**9, 102), tokens(101, 102)]
    good, bad, short = await asyncio.gather(*(model.infer(c) for c in calls), return_exceptions=True)
    assert isinstance(bad, InvalidInput) and "text_encoder" in bad.message
    assert not isinstance(good, BaseException) and good["tokens"].shape == (1, 3, 384)
    assert not isinstance(short, BaseException) and short["tokens"].shape == (1, 2, 384)


async def test_a_full_queue_refuses(sessions: Sessions) -> None:
    model = onnx_model("hash_head", sessions, max_rows=1, max_queue=3)
    results = await asyncio.gather(*(model.infer(rows(3)) for _ in range(6)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, QueueFull)]
    assert refused and len(refused) < 6


async def test_a_small_request_cannot_ask_for_a_large_answer(sessions: Sessions) -> None:
    model = onnx_model("unit_matcher", sessions)
    many, one = 6000, np.zeros
    feeds = {
        "text": one((many, 1, 128), np.float32),
        "weights": one((many, 1), np.float32),
        "text_scene": one((many, 1), np.float32),
        "visual": one((many, 1, 128), np.float32),
        "present": one((many, 1), np.float32),
        "visual_scene": one((many, 1), np.float32),
    }
    with pytest.raises(InvalidInput, match="36000000 pairs"):
        check_feeds("unit_matcher", model.inputs, feeds)


async def test_only_a_model_that_answers_as_recorded_is_loaded(default_pack: Pack, tmp_path: Path) -> None:
    golden = tmp_path / "golden.npz"
    for name in ("golden.npz", "hash_head.onnx"):
        shutil.copy(default_pack.path(name), tmp_path / name)
    sound = golden.read_bytes()
    opened = Sessions(Pack(tmp_path, default_pack.manifest))
    app = InferenceApp([onnx_model("hash_head", opened)], opened, lambda: True)
    try:
        with np.load(golden) as arrays:
            changed = {
                key: arrays[key] + (0.5 if key == "hash_head/out/projections" else 0) for key in arrays.files
            }
        np.savez(golden, allow_pickle=False, **changed)
        with pytest.raises(PackCorrupt, match=r"projections is 0\.5 off"):
            await app.load("hash_head")
        (listed,) = app.index()
        assert "0.5 off" in listed.reason and not app.model_ready("hash_head")
        assert app.index(ready_only=True) == []
        with pytest.raises(FailedPrecondition, match=r"0\.5 off"):
            await app.infer(Run("hash_head", "", rows(1)))
        golden.write_bytes(sound)
        await app.load("hash_head", default_pack.name)
        ((_, array),) = await app.infer(Run("hash_head", default_pack.version, rows(1)))
        assert array.shape == (1, 256)
        with pytest.raises(NotFound, match='no repository "others"; there is default'):
            await app.unload("hash_head", "others")
    finally:
        opened.close()
