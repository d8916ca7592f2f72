"""What traces cost a search whose ranking is cached, the cheapest call: servers with and without, in turns.

    python -m tests.bench.bench_watching [--base FOLDER] [--rounds 3000]

`--base` is a checkout of another version, served beside the others. Prints a Markdown table: milliseconds at
the client, and processor time of the server for each call.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench.turns import Kind, Turns

ROOTS = ("protos", "graphs", "learning", "export", "services")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path)
    parser.add_argument("--rounds", type=int, default=3000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as running:
        folder = Path(temporary)
        file = {"SCENOGRAPH_TRACING_EXPORTER": "file", "SCENOGRAPH_TRACING_FILE": str(folder / "spans")}
        kinds = {
            "off": Kind(),
            "metrics read": Kind({"SCENOGRAPH_METRICS_ADDRESS": "127.0.0.1:0"}),
            "one call in a hundred traced": Kind({**file, "SCENOGRAPH_TRACING_SAMPLE": "0.01"}),
            "every call traced": Kind(file),
        }
        if chosen.base is not None:
            path = os.pathsep.join(str(chosen.base / root) for root in ROOTS)
            kinds = {"base": Kind({"PYTHONPATH": path}), **kinds}
        turns = Turns(folder, kinds, running)
        print(turns.table(lambda c: c.search("photos", text="a cup of coffee on a table"), chosen.rounds))


if __name__ == "__main__":
    main()
