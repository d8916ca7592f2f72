"""One pass of the text encoder serves all that read a sentence."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scenograph.encoder.app import EncoderApp
from scenograph.runtime.sessions import Arrays, Sessions
from scenograph.runtime.texts import STATES, TextEncoder, reading_feeds
from scenograph.runtime.vision import Vision

TEXTS = ["a dog", "Two men ride horses along a beach while the sun sets.", "a café 🐶"]


@pytest.fixture
def rows(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many texts each run of the text encoder had."""
    counted: list[int] = []
    infer = sessions.infer

    def counting(model: str, feeds: Arrays) -> dict[str, NDArray[Any]]:
        if model == "text_encoder":
            counted.append(len(feeds["input_ids"]))
        return infer(model, feeds)

    monkeypatch.setattr(sessions, "infer", counting)
    return counted


async def test_services_share_the_pass(sessions: Sessions, rows: list[int]) -> None:
    texts = TextEncoder(sessions)
    app = EncoderApp(sessions, Vision(sessions), texts)
    batch, readings = await asyncio.gather(app.encode_texts(TEXTS), texts.read(TEXTS))
    assert sum(rows) == len(TEXTS)
    again = await app.encode_texts(TEXTS[:1])
    assert sum(rows) == len(TEXTS)
    np.testing.assert_allclose(again.vectors[0], batch.vectors[0], atol=1e-6)
    vectors = await texts.encode(TEXTS)
    np.testing.assert_allclose(np.stack([reading.sentence for reading in readings]), vectors, atol=1e-6)


async def test_a_reading_tells_tokens_and_where_they_stand(sessions: Sessions) -> None:
    readings = await TextEncoder(sessions).read(TEXTS)
    for text, reading in zip(TEXTS, readings, strict=True):
        assert len(reading.ids) == len(reading.spans)
        words = [text[start:end] for start, end in reading.spans if end > start]
        assert "".join(words).lower() == text.replace(" ", "").lower()
        for states in reading.states.values():
            assert states.shape == (len(reading.ids), 384) and states.dtype == np.float32


async def test_the_sentence_is_the_mean_of_its_tokens(sessions: Sessions) -> None:
    outputs = [spec.name for spec in sessions.pack.manifest.models["text_encoder"].outputs]
    if "tokens" not in outputs:
        pytest.skip("the installed pack's encoder gives no tokens")
    for reading in await TextEncoder(sessions).read(TEXTS):
        mean = reading.states["tokens"].mean(axis=0)
        np.testing.assert_allclose(mean / np.linalg.norm(mean), reading.sentence, atol=1e-5)


async def test_feeds_are_padded_to_the_longest(sessions: Sessions) -> None:
    readings = await TextEncoder(sessions).read(TEXTS)
    known = set(readings[0].states)
    feeds = reading_feeds(readings, ["sentence", "attention_mask", "input_ids", *known])
    longest = max(len(reading.ids) for reading in readings)
    assert feeds["sentence"].shape == (3, 384)
    assert feeds["attention_mask"].sum(axis=1).tolist() == [len(reading.ids) for reading in readings]
    for name in set(STATES) & known:
        assert feeds[name].shape == (3, longest, 384)
        assert not feeds[name][feeds["attention_mask"] == 0].any()
    assert set(reading_feeds(readings, ["sentence", "other"])) == {"sentence"}
