"""Commands against a real server whose gateway a test controls: output, JSON, errors, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from tests.client.faulty import Gateway, abort, error_info, served

from scenograph.cli.app import run


def _run(*arguments: str) -> int:
    try:
        run(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_search_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    gateway = Gateway()
    with served(gateway) as address:
        assert _run("search", "photos", "a dog", "--server", address, "--limit", "3", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["hits"] == [] and "timings" in answer["report"]
    assert gateway.searches[0].query.parts[0].text == "a dog" and gateway.searches[0].page_size == 3


def test_search_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    with served(Gateway()) as address:
        assert _run("search", "photos", "a dog", "--server", address) == 0
    assert "score" in capsys.readouterr().out


def test_an_error_shows_where_in_the_query_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(calls: int, context: grpc.ServicerContext) -> None:
        info = error_info("INVALID_GRAPH_QUERY", position="4")
        abort(context, grpc.StatusCode.INVALID_ARGUMENT, "expected ')'", info)

    with served(Gateway(on_call=refuse)) as address:
        assert _run("search", "photos", "--graph", "(dog", "--server", address) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["error: expected ')'", "  (dog", "      ^"]


def test_no_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("collections", "delete", "photos", "--yes", "--server", "127.0.0.1:1") == 1
    assert "cannot reach a scenograph server at 127.0.0.1:1" in capsys.readouterr().err


def test_a_missing_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert _run("describe", str(tmp_path / "none.jpg")) == 1
    assert "none.jpg" in capsys.readouterr().err


def test_nothing_to_ingest(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert _run("ingest", "photos", str(tmp_path)) == 1
    assert "no photos found" in capsys.readouterr().err


def test_usage_errors_have_exit_code_2() -> None:
    assert _run("search") == 2
    assert _run("no-such-command") == 2


def test_the_command_line_is_an_extra() -> None:
    """Without Typer the entry point says what to install."""
    code = "import sys; sys.modules['typer'] = None; from scenograph.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'scenograph[cli]'" in done.stderr and "Traceback" not in done.stderr
