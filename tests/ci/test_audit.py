"""The audit of dependencies, against advisories that are served here."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.redis_process import free_port
from tests.support import ROOT

SCRIPT = ROOT / ".ci/audit.py"
ADVISORY = {
    "id": "GHSA-test-test-test",
    "summary": "reads beyond the end",
    "affected": [
        {
            "package": {"name": "leaky", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
        }
    ],
}


class Advisories(BaseHTTPRequestHandler):
    """Answers as OSV does, and knows of one vulnerability."""

    def do_POST(self) -> None:
        asked: Any = json.loads(self.rfile.read(int(self.headers["content-length"])))
        hit = asked["package"]["name"] == "leaky" and asked["version"] == "1.0"
        body = json.dumps({"vulns": [ADVISORY]} if hit else {}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def osv() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Advisories)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Two packages: one with a known vulnerability."""
    for name in ("leaky", "sound"):
        folder = tmp_path / "site" / f"{name}-1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    return tmp_path / "site"


def audit(osv: str, packages: Path, ignored: str = "", *more: str) -> tuple[int, str]:
    file = packages.parent / "advisories.toml"
    file.write_text(ignored)
    command = [sys.executable, str(SCRIPT), "--osv-url", osv, "--path", str(packages)]
    done = subprocess.run([*command, "--ignored", str(file), *more], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_a_known_vulnerability_fails_and_is_told(osv: str, packages: Path) -> None:
    code, told = audit(osv, packages)
    assert code == 1, told
    assert "leaky 1.0: GHSA-test-test-test, fixed in 1.1: reads beyond the end" in told
    assert "2 packages audited, 1 known vulnerabilities" in told


def test_one_may_be_passed_over_with_a_reason_and_for_a_time(osv: str, packages: Path) -> None:
    entry = '[[ignored]]\nid = "GHSA-test-test-test"\n'
    reason, later, past = 'reason = "not called"\n', "until = 2999-01-01\n", "until = 2020-01-01\n"
    code, told = audit(osv, packages, entry + reason + later)
    assert code == 0 and "passed over until 2999-01-01" in told and "2 packages audited, 0" in told
    for lacking in (reason, later):
        code, told = audit(osv, packages, entry + lacking)
        assert code == 1 and "takes id, reason and until" in told
    code, told = audit(osv, packages, entry + reason + past)
    assert code == 1 and "look again" in told


def test_advisories_that_cannot_be_reached_are_never_taken_for_none(packages: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}/"
    for more, expected in (((), 2), (("--skip-unreachable",), 0)):
        code, told = audit(nowhere, packages, "", *more)
        assert code == expected and "DEPENDENCIES NOT AUDITED" in told and nowhere in told


def test_nothing_audited_is_no_success(osv: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, told = audit(osv, tmp_path / "empty")
    assert code == 1 and "no package was audited" in told
