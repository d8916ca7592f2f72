"""What docs/security.md shows is what the code takes and tells."""

from __future__ import annotations

import re

from tests.support import ROOT

from scenograph.runtime.principal import Role
from scenograph.runtime.security import auditor
from scenograph.runtime.security.audit import log
from scenograph.runtime.security.principals import parse_principals
from scenograph.runtime.security.tokens import ALGORITHMS
from scenograph.runtime.settings import names
from scenograph.runtime.telemetry.metrics import ANOMALIES

PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")


def test_the_example_of_a_principals_file() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    known = parse_principals(example)
    (web,) = known.by_key.values()
    assert web.principal.role_in("photos") is Role.WRITER and web.quota.burst == 100
    assert known.by_certificate["batch.example"].principal.name == "batch"


def test_settings_alarms_and_bounds_are_those_of_the_code() -> None:
    told = set(re.findall(r"`((?:security|audit|anomalies)\.[a-z_]+)`", PAGE))
    assert len(told) > 10 and told <= set(names())
    alarms = re.search(r"## Alarms(.*?)## ", PAGE, re.DOTALL)
    assert alarms is not None
    assert set(re.findall(r"^\| `(\w+)` \|", alarms[1], re.MULTILINE)) == {"kind", *ANOMALIES}
    assert all(one in PAGE for one in ALGORITHMS)
    assert f"up to {auditor.IDS} and" in PAGE and f"until {log.BACKLOG:,} lines wait" in PAGE


def test_events_are_those_that_are_written() -> None:
    written = set(re.findall(r'_line\("(\w+)"|"event": "(\w+)"', _source()))
    events = re.search(r"\| event \|.*?\n\n", PAGE, re.DOTALL)
    assert events is not None
    told = {
        name
        for row in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", events[0], re.MULTILINE)
        for name in re.findall(r"\w+", row)
    }
    assert told == {one or other for one, other in written} | {"mended"}


def _source() -> str:
    return (ROOT / "services/scenograph/runtime/security/auditor.py").read_text(encoding="utf-8")
