"""The feature cache: right features, one computation, its key, and a real kill -9 in the middle."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scenograph.data import (
    FLIP,
    ORIGINAL,
    FeatureCache,
    TextFeatures,
    digest_files,
    digest_of,
    random_crop,
)
from scenograph.data.views import Pixels, view
from scenograph.scene.errors import InvalidImage, InvalidInput

FILLER = Path(__file__).with_name("fill_slowly.py")


class Counting:
    """Means and corners of photographs; counts the photographs that it saw."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, photos: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
        self.seen += len(photos)
        return {
            "mean": np.array([photo.mean() for photo in photos], np.float32),
            "corner": np.array([photo[0, 0] for photo in photos], np.float16),
        }


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    random = np.random.default_rng(0)
    files = [tmp_path / f"{index}.png" for index in range(21)]
    for file in files:
        Image.fromarray(random.integers(0, 255, (9, 12, 3), np.uint8)).save(file)
    return files


def pixels(file: Path) -> Pixels:
    return np.asarray(Image.open(file))


def test_features_of_each_view(photos: list[Path], tmp_path: Path) -> None:
    crop = random_crop(3)
    cache = FeatureCache(tmp_path / "cache")
    found = cache.compute(photos, "m", Counting(), (ORIGINAL, FLIP, crop), batch=4)
    for row, file in enumerate(photos):
        photo = pixels(file)
        assert found["original"]["mean"][row] == np.float32(photo.mean())
        assert (found["original"]["corner"][row] == photo[0, 0]).all()
        assert (found["flip"]["corner"][row] == photo[0, -1]).all()
        assert found["crop-3"]["mean"][row] == np.float32(crop.make(photo, row).mean())
    assert found["flip"]["corner"].dtype == np.float16
    assert not found["flip"]["corner"].flags.writeable


def test_computed_once_for_one_key(photos: list[Path], tmp_path: Path) -> None:
    cache, infer = FeatureCache(tmp_path / "cache"), Counting()
    steps: list[tuple[int, int]] = []
    assert cache.get(photos, "m") is None
    cache.compute(photos, "m", infer, batch=4, progress=lambda done, total: steps.append((done, total)))
    assert infer.seen == len(photos) and steps[-1] == (21, 21) and steps == sorted(steps)
    cache.compute(photos, "m", infer)
    assert infer.seen == len(photos)
    assert cache.get(photos, "m") is not None

    cache.compute(photos, "another model", infer)
    cache.compute(photos[:20], "m", infer)
    assert infer.seen == 21 + 21 + 20
    Image.fromarray(np.zeros((9, 12, 3), np.uint8)).save(photos[5])
    assert cache.get(photos, "m") is None


def test_key_is_content_and_order(photos: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / "renamed.png"
    copy.write_bytes(photos[0].read_bytes())
    assert digest_files(photos[:2]) == digest_files([copy, photos[1]])
    assert digest_files(photos[:2]) != digest_files(photos[1::-1])
    assert digest_of("ab", "c") != digest_of("a", "bc")


def test_goes_on_after_an_error(photos: list[Path], tmp_path: Path) -> None:
    cache, infer = FeatureCache(tmp_path / "cache"), Counting()

    def failing(batch: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
        if infer.seen == 13:
            raise RuntimeError("stopped")
        return infer(batch)

    with pytest.raises(RuntimeError, match="stopped"):
        cache.compute(photos, "m", failing, batch=1, workers=1)
    assert cache.get(photos, "m") is None
    found = cache.compute(photos, "m", infer, batch=1)["original"]
    assert infer.seen == len(photos)
    np.testing.assert_array_equal(found["mean"], Counting()([pixels(file) for file in photos])["mean"])


def test_a_broken_photo_is_named(photos: list[Path], tmp_path: Path) -> None:
    photos[13].write_bytes(photos[13].read_bytes()[:60])
    with pytest.raises(InvalidImage, match=r"13\.png"):
        FeatureCache(tmp_path / "cache").compute(photos, "m", Counting())


def test_goes_on_after_kill(photos: list[Path], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    command = [sys.executable, str(FILLER), str(cache), *map(str, photos)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:  # one line per finished photograph
            if line.startswith("8 "):
                break
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not list(cache.glob("*/original"))

    infer = Counting()
    found = FeatureCache(cache).compute(photos, "slow", infer, batch=1)["original"]
    assert 1 <= infer.seen <= 21 - 8  # the first eight are kept, perhaps more
    expected = Counting()([pixels(file) for file in photos])
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_changed_shapes_are_refused(photos: list[Path], tmp_path: Path) -> None:
    def infer(batch: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
        return {"x": np.zeros((len(batch), 3 if len(batch) == 8 else 4), np.float32)}

    with pytest.raises(InvalidInput, match=r"x has shape \(5, 4\) for 5 rows of \(3,\) each"):
        FeatureCache(tmp_path).compute(photos, "m", infer, batch=8, workers=1)
    with pytest.raises(InvalidInput, match="no photographs"):
        FeatureCache(tmp_path).compute([], "m", infer)


def test_views_by_name_are_the_same_each_time() -> None:
    photo = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    for name in ("original", "flip", "crop-2", "crop-5"):
        assert view(name).name == name
        np.testing.assert_array_equal(view(name).make(photo, 7), view(name).make(photo, 7))
    crop = view("crop-2").make(photo, 7)
    assert 0.5 < crop.size / photo.size < 0.96
    assert crop.shape != view("crop-2").make(photo, 8).shape
    with pytest.raises(InvalidInput, match="no view 'crop-x'"):
        view("crop-x")


def encode(texts: Sequence[str]) -> TextFeatures:
    """A "token" for each letter: its code; states (code, place)."""
    longest = max(map(len, texts))
    ids = np.array([[*map(ord, text), *[0] * (longest - len(text))] for text in texts])
    mask = ids > 0
    states = np.stack([ids, np.broadcast_to(np.arange(longest), ids.shape)], axis=2).astype(np.float32)
    return TextFeatures(ids, mask, states, states.sum(axis=1))


def test_token_states_are_ragged(tmp_path: Path) -> None:
    texts = ["ab", "c", "defg", "hi", "j"]
    seen: list[str] = []

    def infer(batch: Sequence[str]) -> TextFeatures:
        seen.extend(batch)
        return encode(batch)

    cache = FeatureCache(tmp_path)
    found = cache.compute_tokens(texts, "m", infer, batch=2)
    assert len(found) == 5 and found.offsets.tolist() == [0, 2, 3, 7, 9, 10]
    for index, text in enumerate(texts):
        assert found.caption(index).tolist() == [[ord(letter), place] for place, letter in enumerate(text)]
    assert found.states.dtype == np.float16 and found.sentence.shape == (5, 2)
    assert "".join(map(chr, found.ids)) == "".join(texts)
    cache.compute_tokens(texts, "m", infer)
    assert len(seen) == 5


def test_token_states_go_on(tmp_path: Path) -> None:
    texts = [f"caption {index}" for index in range(9)]

    def failing(batch: Sequence[str]) -> TextFeatures:
        if "caption 6" in batch:
            raise RuntimeError("stopped")
        return encode(batch)

    with pytest.raises(RuntimeError, match="stopped"):
        FeatureCache(tmp_path).compute_tokens(texts, "m", failing, batch=3, workers=1)
    seen: list[str] = []

    def infer(batch: Sequence[str]) -> TextFeatures:
        seen.extend(batch)
        return encode(batch)

    found = FeatureCache(tmp_path).compute_tokens(texts, "m", infer, batch=3)
    assert seen == texts[6:]
    assert found.caption(4)[:, 0].tolist() == list(map(ord, texts[4]))


def test_two_processes_compute_an_entry_once(photos: list[Path], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    command = [sys.executable, str(FILLER), str(cache), *map(str, photos)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline()
        started, infer = time.monotonic(), Counting()
        FeatureCache(cache).compute(photos, "slow", infer)
        assert infer.seen == 0 and time.monotonic() - started > 0.1
    assert other.returncode == 0
