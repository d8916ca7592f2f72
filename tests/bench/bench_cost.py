"""What the same work costs two servers: their CPU time, call by call side by side, on one machine.

    python -m tests.bench.bench_cost --captions FILE.jsonl --server HOST:PORT/PID --server HOST:PORT/PID

Each round gives both servers the same photos and sentences, which neither saw before. CPU time is a process'
own, so other work on the machine disturbs it least. Prints a Markdown table; the ratio is the second's by the
first's. The servers may be of different versions and packs.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

from scenograph.cli.captions import Captioned, read_captions
from scenograph.client import Client, Item

COLLECTION = "cost"
TICKS = os.sysconf("SC_CLK_TCK")
CALLS, PHOTOS, ROUNDS = 40, 20, 5
Stage = Literal["coarse", "float", "graph"]
Work = Callable[[Client, Sequence[Captioned]], None]


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and its process."""

    client: Client
    pid: int

    def cpu_s(self) -> float:
        """CPU time of the process so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def ingest(client: Client, photos: Sequence[Captioned]) -> None:
    items = [Item(photo.name, photo.path.read_bytes(), photo.captions) for photo in photos]
    assert all(status.ok for status in client.ingest(COLLECTION, items))


def sentences(stage: Stage) -> Work:
    def work(client: Client, photos: Sequence[Captioned]) -> None:
        for photo in photos:
            client.search(COLLECTION, text=f"{photo.captions[0]} {stage}", stage=stage)

    return work


def pictures(client: Client, photos: Sequence[Captioned]) -> None:
    for photo in photos:
        client.search(COLLECTION, image=photo.path.read_bytes())


def measured(servers: Sequence[Server], work: Work, photos: Iterator[Captioned], count: int) -> list[float]:
    """Milliseconds of CPU time a photo, for each server: the median of the rounds."""
    took: list[list[float]] = [[] for _ in servers]
    for _ in range(ROUNDS):
        chosen = [next(photos) for _ in range(count)]
        for server, rounds in zip(servers, took, strict=True):
            began = server.cpu_s()
            work(server.client, chosen)
            rounds.append((server.cpu_s() - began) / count * 1e3)
    return [median(rounds) for rounds in took]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--captions", type=Path, required=True)
    arguments.add_argument("--split", default="dev")
    arguments.add_argument("--server", action="append", required=True, help="HOST:PORT/PID, twice")
    chosen = arguments.parse_args()
    servers = []
    for given in chosen.server:
        address, _, pid = given.partition("/")
        servers.append(Server(Client(address), int(pid)))
    photos = list(read_captions(chosen.captions, chosen.split))
    for server in servers:
        server.client.create_collection(COLLECTION)
        ingest(server.client, photos[:200])
        pictures(server.client, photos[:3])
    rest = iter(photos[200:])
    print("| measured | first | second | |\n|---|---|---|---|")
    for name, work, count in (
        ("ingest: a photo with five sentences", ingest, PHOTOS),
        ("sentence, cold", sentences("graph"), CALLS),
        ("sentence, coarse stage alone", sentences("coarse"), CALLS // 2),
        ("sentence, float stage alone", sentences("float"), CALLS // 2),
        ("photo, cold", pictures, PHOTOS),
    ):
        first, second = measured(servers, work, rest, count)
        print(f"| {name} | {first:.1f} ms | {second:.1f} ms | {second / first:.2f} |", flush=True)


if __name__ == "__main__":
    main()
