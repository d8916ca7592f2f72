"""The table of all metrics: `python -m scenograph.runtime.telemetry.metrics_table PAGE` renews it.

It is in docs/guides/observability.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

from scenograph.runtime.telemetry.metrics import Metrics

START, END = "<!-- metrics: made by scenograph.runtime.telemetry.metrics_table -->", "<!-- end of metrics -->"


def metrics_table() -> str:
    """A Markdown table: metric, kind, labels, meaning."""
    lines = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for row in Metrics().table:
        labels = ", ".join(f"`{label}`" for label in row.labels)
        lines.append(f"| `{row.name}` | {row.kind} | {labels} | {row.meaning} |")
    return "\n".join(lines)


def with_table(page: str) -> str:
    """The page with the table between its marks made anew."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{metrics_table()}\n{END}{after}"


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(with_table(page.read_text(encoding="utf-8")), encoding="utf-8")
