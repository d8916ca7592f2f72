"""What traces cost a search whose ranking is cached, the cheapest call: servers with and without, in turns.

    python -m tests.bench.bench_watching [--base FOLDER] [--rounds 3000]

`--base` is a checkout of another version, served beside the others. Prints a Markdown table: milliseconds at
the client, and processor time of the server for each call.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client
from tests.e2e.photos import ITEMS

ROOTS = ("protos", "graphs", "learning", "export", "services")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def processor_s(process: ServerProcess) -> float:
    """Seconds of processor time that a server has used."""
    assert process.process is not None
    fields = Path(f"/proc/{process.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path)
    parser.add_argument("--rounds", type=int, default=3000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as running:
        folder = Path(temporary)
        file = {"SCENOGRAPH_TRACING_EXPORTER": "file", "SCENOGRAPH_TRACING_FILE": str(folder / "spans")}
        kinds = {
            "off": {},
            "metrics read": {"SCENOGRAPH_METRICS_ADDRESS": "127.0.0.1:0"},
            "one call in a hundred traced": {**file, "SCENOGRAPH_TRACING_SAMPLE": "0.01"},
            "every call traced": file,
        }
        if chosen.base is not None:
            path = os.pathsep.join(str(chosen.base / root) for root in ROOTS)
            kinds = {"base": {"PYTHONPATH": path}, **kinds}
        clients, servers = [], []
        for name, settings in kinds.items():
            own = folder / name.replace(" ", "-")
            own.mkdir()
            server = ServerProcess(own, settings={"SCENOGRAPH_LOG_LEVEL": "WARNING", **settings})
            client = running.enter_context(Client(running.enter_context(server)))
            client.create_collection("photos")
            assert all(status.ok for status in client.ingest("photos", ITEMS))
            clients.append(client)
            servers.append(server)
        for _ in range(50):
            for client in clients:
                client.search("photos", text="a cup of coffee on a table")
        before = [processor_s(server) for server in servers]
        took = np.zeros((chosen.rounds, len(clients)))
        for row in range(chosen.rounds):
            for place in np.roll(np.arange(len(clients)), row):
                began = time.perf_counter()
                clients[place].search("photos", text="a cup of coffee on a table")
                took[row, place] = time.perf_counter() - began
        used = [processor_s(server) - start for server, start in zip(servers, before, strict=True)]
    median = np.median(took, axis=0) * 1e3
    print("| server | median | ratio | processor time a call | ratio |\n|---|---|---|---|---|")
    for name, middle, seconds in zip(kinds, median, used, strict=True):
        each = seconds / chosen.rounds * 1e3
        ratios = middle / median[0], seconds / used[0]
        print(f"| {name} | {middle:.2f} ms | {ratios[0]:.3f} | {each:.2f} ms | {ratios[1]:.3f} |")


if __name__ == "__main__":
    main()
