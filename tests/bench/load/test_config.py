"""Configs: ghz's keys and durations, and what is refused."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from scenograph.bench.load.config import make_config, read_config
from scenograph.bench.load.durations import seconds_of
from scenograph.scene.errors import InvalidInput

CALL = {"call": "scenograph.v1.HashingService/Hash"}


def test_ghz_s_defaults() -> None:
    config = make_config(CALL)
    assert (config.total, config.concurrency, config.connections) == (200, 50, 1)
    assert config.seconds("timeout") == 20 and config.seconds("connect-timeout") == 10
    assert config.rates() is None and config.duration_stop == "close"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"concurency": 7}, ("concurency = 7", "'concurrency'")),
        ({"qps": 7}, ("qps = 7",)),
        ({"skipTLS": True}, ("skipTLS = True", "not supported", "always verified")),
        ({"rps": "many"}, ("rps",)),
        ({"rps": -1}, ("rps = -1", "at least 0")),
        ({"total": 0}, ("total = 0", "at least 1")),
        ({"duration": "10"}, ("duration", "'10'")),
        ({"duration-stop": "later"}, ("later", "duration-stop")),
        ({"load-schedule": "step", "load-start": 5, "load-step": 5}, ("load-step-duration", "'step'")),
        ({"load-schedule": "line", "load-start": 5}, ("load-step", "'line'")),
        ({"load-schedule": "square"}, ("square",)),
        ({"data": []}, ("data", "empty")),
        ({"data": "text"}, ("data",)),
        ({"format": "csv"}, ("csv",)),
        ({"format": "html"}, ("output",)),
    ],
)
def test_what_is_refused_is_named(values: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_config(CALL | values)
    assert [word for word in words if word not in str(refused.value)] == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 0), ("0", 0), ("300ms", 0.3), ("1m30s", 90), ("1.5h", 5400), ("2us", 2e-6), (".5s", 0.5)],
)
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text, "timeout") == pytest.approx(seconds)


def test_toml_and_json_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('call = "a.B/C"\nrps = 5\nasync = true\n[data]\nbits = 64\n')
    (tmp_path / "a.json").write_text(
        json.dumps({"call": "a.B/C", "rps": 5, "async": True, "data": {"bits": 64}})
    )
    assert read_config(tmp_path / "a.toml") == read_config(tmp_path / "a.json")
    assert make_config(read_config(tmp_path / "a.toml")).is_async


def test_files_are_looked_for_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    (tmp_path / "data.json").write_text(json.dumps([{"image": {"content": {"@file": "photo.jpg"}}}]))
    (tmp_path / "metadata.json").write_text('{"x-request-id": "{{newUUID}}"}')
    (tmp_path / "load.json").write_text(
        json.dumps(CALL | {"data-file": "data.json", "metadata-file": "metadata.json"})
    )
    config = make_config(read_config(tmp_path / "load.json"))
    assert config.data == [{"image": {"content": base64.b64encode(b"\xff\xd8").decode()}}]
    assert config.metadata == {"x-request-id": "{{newUUID}}"}


def test_no_json_says_where(tmp_path: Path) -> None:
    (tmp_path / "load.json").write_text("{")
    with pytest.raises(InvalidInput, match=r"load\.json"):
        read_config(tmp_path / "load.json")
