"""`scenograph key new` and `scenograph audit verify`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scenograph.cli.app import run
from scenograph.runtime.principal import Role
from scenograph.runtime.security.audit.file import AuditFile
from scenograph.runtime.security.keys import key_digest
from scenograph.runtime.security.principals import parse_principals


def _run(*arguments: str) -> int:
    try:
        run(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_new_key_and_what_to_paste(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("key", "new", "web", "--role", "photos=writer", "--role", "*=reader", "--label", "staff") == 0
    key, _, entry = capsys.readouterr().out.partition("\n")
    identity = parse_principals(entry).by_key[key_digest(key)]
    assert key not in entry and identity.principal.name == "web"
    assert identity.principal.roles == {"photos": Role.WRITER, "*": Role.READER}
    assert identity.principal.labels == frozenset(("staff",))
    assert _run("key", "new", "reader", "--json", "--label", "*") == 0
    made = json.loads(capsys.readouterr().out)
    other = parse_principals(made["principal"]).by_key[key_digest(made["key"])]
    assert other.principal.labels is None and other.principal.roles == {"*": Role.READER}


@pytest.mark.parametrize("arguments", [["a b"], ["web", "--role", "photos=owner"], ["system"]])
def test_what_cannot_be_pasted_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("key", "new", *arguments) == 1
    told = capsys.readouterr()
    assert "principal.0" in told.err and "sg_" not in told.out


def test_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "audit.jsonl"
    file = AuditFile(path)
    file.append([{"event": "call"}] * 5)
    file.sync()
    file.close()
    assert _run("audit", "verify", str(path)) == 0
    assert capsys.readouterr().out.startswith("5 lines, unbroken; the last is 5 ")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:1], lines[1].replace(b"call", b"cull"), *lines[3:]]) + b'{"seq"')
    assert _run("audit", "verify", str(path)) == 1
    told = capsys.readouterr()
    assert told.err.splitlines() == ["line 2: changed", "line 3: number 4; missing before it: 3"]
    assert "line 5: cut short by a crash" in told.out
    assert _run("audit", "verify", str(path), "--json") == 1
    assert [one["line"] for one in json.loads(capsys.readouterr().out)["problems"]] == [2, 3]
    assert _run("audit", "verify", str(tmp_path / "none")) == 1
