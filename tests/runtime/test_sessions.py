"""Sessions and word vectors of the default pack: recorded answers, threads, damage found out."""

from __future__ import annotations

import asyncio
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from scenograph.packs import Pack
from scenograph.runtime.sessions import Sessions, open_session
from scenograph.runtime.texts import TextEncoder, WordVectors
from scenograph.scene.errors import PackCorrupt, QueueFull

SMALL = ("text_head", "hash_head", "image_head")


async def test_small_models_answer_as_recorded(sessions: Sessions) -> None:
    await sessions.offload(sessions.load, SMALL)
    await sessions.offload(sessions.check, SMALL)


async def test_a_model_is_made_once(sessions: Sessions) -> None:
    first, second = await asyncio.gather(*(sessions.offload(sessions.session, "hash_head") for _ in range(2)))
    assert first is second


async def test_runs_off_the_event_loop(sessions: Sessions) -> None:
    name = await sessions.offload(lambda: threading.current_thread().name)
    assert name.startswith("scenograph-model")
    rows = np.random.default_rng(0).normal(size=(3, 960)).astype(np.float32)
    answer = await sessions.run("hash_head", {"embedding": rows})
    assert answer["projections"].shape == (3, 256)


def test_an_unknown_model(sessions: Sessions) -> None:
    with pytest.raises(PackCorrupt, match="no model"):
        sessions.load(["telepathy"])


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model at all")
    with pytest.raises(PackCorrupt, match=r"model\.onnx"):
        open_session(path)


def test_a_model_that_answers_otherwise_is_found_out(default_pack: Pack, tmp_path: Path) -> None:
    folder = tmp_path / "pack"
    folder.mkdir()
    for name in ("golden.npz", "hash_head.onnx", "text_head.onnx"):
        shutil.copy(default_pack.path(name), folder / name)
    with np.load(folder / "golden.npz") as arrays:
        changed = {
            key: arrays[key] + (0.5 if key == "hash_head/out/projections" else 0) for key in arrays.files
        }
    np.savez(folder / "golden.npz", allow_pickle=False, **changed)
    opened = Sessions(Pack(folder, default_pack.manifest))
    try:
        opened.check(["text_head"])
        with pytest.raises(PackCorrupt, match="hash_head"):
            opened.check(["text_head", "hash_head"])
    finally:
        opened.close()


async def test_words_come_from_the_table_or_the_encoder(sessions: Sessions) -> None:
    encoder = TextEncoder(sessions)
    words = WordVectors(encoder, sessions, remembered=2)
    vectors = await words.of(["dog", "zorbing ball", "dog", "gyrocopter", "left of"])
    assert vectors.shape == (5, 384)
    np.testing.assert_array_equal(vectors[0], vectors[2])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    direct = await encoder.encode(["zorbing ball", "gyrocopter", "dog"])
    np.testing.assert_allclose(vectors[[1, 3]], direct[:2], atol=2e-3)
    np.testing.assert_allclose(
        vectors[0], direct[2], atol=2e-2
    )  # the table's, whatever the encoder's precision
    again = await words.of(["gyrocopter", "zorbing ball", "a third", "a fourth"])
    np.testing.assert_allclose(again[:2], vectors[[3, 1]], atol=1e-6)
    assert (await words.of([])).shape == (0, 384)


async def test_too_many_texts_at_once(sessions: Sessions) -> None:
    encoder = TextEncoder(sessions, batch_rows=1, max_queue=3)
    tasks = [asyncio.create_task(encoder.encode([f"text {n}"] * 3)) for n in range(6)]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [result for result in results if isinstance(result, QueueFull)]
    assert refused and len(refused) < 6
    assert all(error.retry_after_s for error in refused)
