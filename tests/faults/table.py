"""The table of faults in docs/reliability.md, from what tests counted: `python -m tests.faults.table ROWS`.

ROWS is the file that FAULTS_OUT named while the tests ran; the last row of each fault counts.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from tests.support import ROOT

PAGE = ROOT / "docs" / "reliability.md"
BEGIN = "<!-- faults: made by tests.faults.table -->"
END = "<!-- end of faults -->"
HEAD = (
    "| fault | acknowledged writes | lost | answers checked | wrong | degraded | failed writes"
    " | failed searches | last failure after healing | what fails, and why |\n"
    "|---|---:|---:|---:|---:|---:|---|---|---:|---|"
)


def row(one: dict[str, Any]) -> str:
    """A line of the table."""
    recovery = "" if one["recovery_s"] is None else f"{one['recovery_s']:.1f} s"
    cells = (
        one["fault"],
        one["writes"],
        one["lost"],
        one["searches"],
        one["wrong"],
        one["degraded"],
        _codes(one["failed_writes"]),
        _codes(one["failed_searches"]),
        recovery,
        one["note"] or "nothing",
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def table(rows: list[dict[str, Any]]) -> str:
    """All lines, one for each fault."""
    latest = {one["fault"]: one for one in rows}
    return "\n".join((HEAD, *(row(latest[fault]) for fault in sorted(latest))))


def _codes(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {code}" for code, count in sorted(counts.items())) or "0"


def main() -> None:
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    page = PAGE.read_text()
    between = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.S)
    made = between.sub(lambda found: f"{BEGIN}\n{table(rows)}\n{END}", page)
    PAGE.write_text(made)
    print(f"{len(rows)} rows -> {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
