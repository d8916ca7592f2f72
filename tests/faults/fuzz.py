"""Mutated requests of every RPC against a running server: `python -m tests.faults.fuzz --requests 100000
--seed 1`.

Prints how far it is on standard error, and one JSON document on standard output: requests, answers by code,
findings (INTERNAL and UNKNOWN answers, each with the request that caused it), memory, threads and files of
the process. Exit code 1 where something is wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message

from scenograph.client import Client, errors
from scenograph.v1 import index_pb2, index_pb2_grpc
from tests.faults.drift import drift
from tests.faults.fuzzing import mutations
from tests.faults.fuzzing.methods import METHODS
from tests.faults.fuzzing.seeds import CODES, COLLECTIONS, FUZZED, PACK, Seed, record, seeds
from tests.faults.load import FIXED, WRITTEN, Fixed, connected, search
from tests.faults.servers import Restartable
from tests.faults.watching import Sample, Watch

CALL_S = 20.0
WORKERS = 4
ROUND = 2000  # requests between two looks at the server
GARBLED = 0.15
UNCHANGED = 0.1
SHOWN = 20  # findings
SLOWEST = 8
ODD = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE)
MOST_MB = 4096.0
MOST_GROWTH = 0.15  # of memory over the second half, by which the models' pools have their size
SETTINGS = {
    "SCENOGRAPH_GATEWAY_CACHE_BYTES": str(16 * 1024 * 1024),
    "SCENOGRAPH_GATEWAY_ANSWERS_BYTES": str(8 * 1024 * 1024),
    "SCENOGRAPH_GATEWAY_MAX_UPLOADS_BYTES": str(32 * 1024 * 1024),
    "SCENOGRAPH_LOG_LEVEL": "ERROR",
}
"""Bounds of what the server keeps on purpose, small enough to be reached early in a run."""


class Fuzz:
    """Requests from a seed, sent to a server; `codes` counts answers, `findings` are what should not be."""

    def __init__(self, address: str, seed: int) -> None:
        self._address = address
        self._seed = seed
        self._seeds = seeds()
        self._weights = [one.weight for one in self._seeds]
        self._lock = threading.Lock()
        self.codes: Counter[str] = Counter()
        self.by_method: Counter[str] = Counter()
        self.slowest: list[tuple[float, str, int]] = []
        self.findings: list[dict[str, str]] = []

    def run(self, requests: int, first: int = 0) -> None:
        """Sends so many, of those numbered from `first` on."""
        numbers = range(first, first + requests)
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(self._send, (numbers[part::WORKERS] for part in range(WORKERS))))

    def _send(self, numbers: range) -> None:
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
        with grpc.insecure_channel(self._address, options) as channel:
            for number in numbers:
                choose = random.Random(f"{self._seed}/{number}")
                seed = choose.choices(self._seeds, self._weights)[0]
                content = list(_content(seed, choose))
                code, details, start = "OK", "", time.monotonic()
                try:
                    METHODS[seed.method].call(channel, content, CALL_S)
                except grpc.RpcError as error:
                    assert isinstance(error, grpc.Call)
                    code, details = error.code().name, error.details() or ""
                    if error.code() in ODD and not _refused(error):
                        self._finding(seed, number, code, details, content)
                took = round(time.monotonic() - start, 2)
                with self._lock:
                    self.slowest = sorted((*self.slowest, (took, seed.method, number)), reverse=True)[
                        :SLOWEST
                    ]
                    self.codes[code] += 1
                    self.by_method[seed.method] += 1

    def _finding(self, seed: Seed, number: int, code: str, details: str, content: list[bytes]) -> None:
        with self._lock:
            found = {
                "method": seed.method,
                "number": str(number),
                "code": code,
                "details": details[:300],
                "request": content[0][:200].hex(),
            }
            self.findings.append(found)


def _refused(error: Any) -> bool:
    """Whether the client itself did not send it, or the server says that something is away on purpose."""
    return "trying to send message larger" in (error.details() or "").lower()


def _content(seed: Seed, choose: random.Random) -> Iterator[bytes]:
    for message in seed.requests:
        one: Message = type(message)()
        one.CopyFrom(message)
        how = choose.random()
        if how > UNCHANGED:
            mutations.mutate(one, choose)
        try:
            content = one.SerializeToString()
        except ValueError:  # text that is no text: protobuf does not send it
            content = message.SerializeToString()
        yield mutations.garbled(content, choose) if how > 1 - GARBLED else content


def prepare(address: str) -> Fixed:
    """The collections that the requests name, and one with known answers."""
    fixed = Fixed(address)
    with connected(address, 60) as client:
        client.create_collection(FUZZED)
    with grpc.insecure_channel(address) as channel:
        stub = index_pb2_grpc.IndexServiceStub(channel)
        made = index_pb2.IndexServiceCreateCollectionRequest(name=CODES, pack_version=PACK)
        stub.CreateCollection(made)
        writes = [index_pb2.Write(record=record(name)) for name in "abcdef"]
        stub.Upsert(index_pb2.UpsertRequest(collection=CODES, writes=writes))
    return fixed


def tidy(client: Client) -> None:
    """Removes the collections that mutated requests made."""
    for found in client.list_collections():
        if found.name not in (*COLLECTIONS, FIXED, WRITTEN):
            with suppress(errors.ScenographError):
                client.delete_collection(found.name)


def wrong_answers(client: Client, fixed: Fixed) -> int:
    """Known searches that are answered otherwise than before."""
    found = (
        [hit.id for hit in search(client, FIXED, text)] == right for text, right in fixed.answers.items()
    )
    return sum(not same for same in found)


def fuzz(server: Restartable, requests: int, seed: int, warm: int) -> dict[str, Any]:
    """Sends `warm` requests that are not measured, then `requests` more; what was found.

    `warm` ones bring what the server keeps to its bounds, so that growth after them is not of caches.
    """
    fixed, fuzzing, began = prepare(server.address), Fuzz(server.address, seed), time.monotonic()
    assert server.process is not None
    with Watch(server.process.pid) as watch, connected(server.address, 60) as client:
        fuzzing.run(warm)
        tidy(client)
        first = watch.take()
        done = 0
        while done < requests and server.process.poll() is None:
            count = min(ROUND, requests - done)
            fuzzing.run(count, warm + done)
            done += count
            tidy(client)
            now = watch.take()
            print(
                f"{done} requests, {time.monotonic() - began:.0f} s, {now.rss_mb:.0f} MiB, "
                f"{now.threads} threads, {now.files} files, {len(fuzzing.findings)} findings",
                file=sys.stderr,
            )
        alive = server.process.poll() is None
        wrong = wrong_answers(client, fixed) if alive else -1
        health = client.health() if alive else "dead"
        last = _settled(watch, first)
    half = watch.samples[len(watch.samples) // 2 :]
    grows = drift([one.at / 60 for one in half], [one.rss_mb for one in half]).share
    return {
        "requests": warm + done,
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
        "alive": alive,
        "health": health,
        "wrong_answers": wrong,
        "methods": len(fuzzing.by_method),
        "codes": dict(fuzzing.codes.most_common()),
        "slowest": fuzzing.slowest,
        "findings": fuzzing.findings[:SHOWN],
        "found": len(fuzzing.findings),
        "rss_mb": {"first": round(first.rss_mb), "peak": round(watch.peak_mb), "last": round(last.rss_mb)},
        "growth_in_second_half": round(grows, 3),
        "threads": [first.threads, last.threads],
        "files": [first.files, last.files],
        "open": _open_files(server.process.pid) if alive else {},
        "sound": alive
        and health == "SERVING"
        and not wrong
        and not fuzzing.findings
        and watch.peak_mb < MOST_MB
        and grows < MOST_GROWTH
        and last.threads <= first.threads + 16
        and last.files <= first.files + 32,
    }


def _open_files(pid: int) -> dict[str, int]:
    """What the process has open: sockets, and files by their names."""
    names = Counter[str]()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            target = link.readlink()
            names[target.name.partition(":")[0]] += 1
    return dict(names.most_common(12))


def _settled(watch: Watch, first: Sample) -> Sample:
    """The process once what it was doing is done."""
    now = watch.take()
    for _ in range(100):
        if now.files <= first.files + 8:
            break
        time.sleep(0.1)
        now = watch.take()
    return now


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--warm", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="also write the JSON there")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Restartable(Path(folder), settings=SETTINGS)
        with server:
            result = fuzz(server, chosen.requests, chosen.seed, chosen.warm)
            log = server.log.read_text(errors="replace")
    print(json.dumps(result, indent=1))
    if chosen.out:
        chosen.out.write_text(json.dumps(result, indent=1))
    if not result["sound"]:
        print(log[-20_000:], file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
