"""`scenograph bench load` as a user works with it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.bench.load.served import hashing_server, probe_protoset
from tests.runtime.probe import NAME, probing
from tests.support import ROOT

from scenograph.cli.app import run
from scenograph.cli.server_process import ServerProcess
from scenograph.runtime.sessions import Sessions

HASH = str(ROOT / "deploy" / "ghz" / "hash.json")


def _bench(*arguments: str) -> int:
    """The exit code."""
    with pytest.raises(SystemExit) as end:
        run(["bench", "load", *arguments])
    return int(end.value.code or 0)


async def test_json_and_report(
    sessions: Sessions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--config", HASH, "--rps", "100", "--duration", "1s", "--workers", "2", "--json"]
    async with hashing_server(sessions) as address:
        command = [*options, "--host", address, "--report", str(tmp_path)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "scenograph.cli", "bench", "load", *command, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await process.communicate()
    assert process.returncode == 0
    report = json.loads(printed)
    assert report["count"] == sum(report["statusCodeDistribution"].values()) == 100
    assert report["options"]["host"] == address and report["scenograph"]["workers"] == 2
    assert json.loads((tmp_path / "report.json").read_text()) == report
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 5 and "Latency over time" in page and "from due" in page


async def test_ctrl_c_ends_it_with_a_report(tmp_path: Path) -> None:
    enough = asyncio.Event()
    calls = 0

    async def behaviour(text: str, context: Any) -> str:
        nonlocal calls
        calls += 1
        if calls == 30:
            enough.set()
        return text

    config = {"protoset": probe_protoset(tmp_path), "call": f"{NAME}/UU", "insecure": True, "rps": 100}
    (tmp_path / "load.json").write_text(json.dumps(config | {"async": True, "duration": "10m"}))
    async with probing(behaviour) as (server, _):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "scenograph.cli", "bench", "load", "--json"),
            *("--config", str(tmp_path / "load.json"), "--host", server.address),
            stdout=asyncio.subprocess.PIPE,
        )
        await enough.wait()
        process.send_signal(signal.SIGINT)
        printed, _ = await process.communicate()
    report = json.loads(printed)
    assert process.returncode == 0 and report["endReason"] == "cancel"
    assert 29 <= report["count"] <= calls


def test_what_is_wrong_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "load.json"
    for values, words in (
        ({"qps": 5}, "unknown key qps = 5"),
        ({"data": {"bitz": 1}, "protoset": str(ROOT / "deploy/ghz/scenograph.protoset")}, "bitz"),
        ({"host": "192.0.2.1:7700"}, "--allow-remote"),
    ):
        given = {"call": "scenograph.v1.HashingService/Hash", "host": "localhost:1", "insecure": True}
        config.write_text(json.dumps(given | values))
        assert _bench("--config", str(config)) == 1
        told = capsys.readouterr().err
        assert words in told.replace("\n", " ") and "Traceback" not in told


def test_the_report_in_a_config_s_own_format(
    server: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"call": "grpc.health.v1.Health/Check", "host": server.address, "insecure": True, "total": 60}
    for format_, words in (("json", '"count": 60'), ("html", "<svg"), ("pretty", '\n  "count": 60')):
        config, output = tmp_path / f"{format_}.json", tmp_path / f"out.{format_}"
        config.write_text(json.dumps(given | {"format": format_, "output": str(output)}))
        assert _bench("--config", str(config)) == 0
        assert words in output.read_text() and "calls ended" in capsys.readouterr().out
    config.write_text(json.dumps(given | {"format": "json", "duration": "10m"}))
    assert _bench("--config", str(config), "--total", "7") == 0  # also in place of the config's duration
    assert json.loads(capsys.readouterr().out)["count"] == 7
