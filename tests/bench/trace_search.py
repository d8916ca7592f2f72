"""The trace of a cold search through services in processes of their own, as JSON and as a tree.

    python -m tests.bench.trace_search docs/traces/cold-search.json

Indexes sample photographs, searches once to wake everything, then for another sentence, whose trace it shows.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from scenograph.cli.trace import find, read, tree
from scenograph.client import Client
from tests.e2e.photos import ITEMS
from tests.served import Split

REQUEST = "cold-search"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spans = Path(folder) / "spans.jsonl"
        split = Split(
            Path(folder),
            common={"SCENOGRAPH_TRACING_EXPORTER": "file", "SCENOGRAPH_TRACING_FILE": str(spans)},
        )
        try:
            split.start()
            with Client(split.address) as client:
                client.create_collection("photos")
                assert all(status.ok for status in client.ingest("photos", ITEMS))
                client.search("photos", text="a first search wakes everything", explain=True)
            time.sleep(1)
            with Client(split.address, metadata=(("x-request-id", REQUEST),)) as client:
                client.search("photos", text="a cup of coffee on a wooden table", explain=True)
        finally:
            split.stop()  # each sends what it has left
        found = find(read([spans]), REQUEST)
    chosen.file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"trace {found[0]['trace_id']}", *tree(found), sep="\n")


if __name__ == "__main__":
    main()
