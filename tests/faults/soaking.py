"""A mixed load at a chosen rate: cold and kept searches, pages, ingests and removals, each timed."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from scenograph.client import Client, Item, errors
from tests.faults.load import connected
from tests.faults.sentences import sentences

COLLECTION = "soak"
ITEMS = 500  # kept at about so many, so that growth is not of data
WORKERS = 8
PAGE = 5
KINDS = {"kept search": 5, "cold search": 3, "pages": 1, "write": 2}


@dataclass
class Soak:
    """`latencies`: (seconds since the beginning, kind, milliseconds) of each call; `failed`: by code and
    reason.
    """

    address: str
    seed: int = 1
    latencies: list[tuple[float, str, float]] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    late: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._new = sentences(self.seed)
        self._asked = list(itertools.islice(sentences(self.seed + 1), 50))
        self._items = [f"s{n}" for n in range(ITEMS)]
        with connected(self.address, 60) as client:
            client.create_collection(COLLECTION)
            for start in range(0, ITEMS, 100):
                names = self._items[start : start + 100]
                client.batch_ingest(COLLECTION, [Item(id=name, texts=[self._text()]) for name in names])

    def run(self, seconds: float, rate: float | None = None) -> float:
        """Calls for so long, `rate` a second, or as fast as they are answered; how many a second it was."""
        began, before = time.monotonic(), len(self.latencies)
        numbers = itertools.count()

        def work(worker: int) -> None:
            choose = random.Random(f"{self.seed}/{began}/{worker}")
            with connected(self.address, 30) as client:
                while True:
                    with self._lock:
                        number = next(numbers)
                    due = began + number / rate if rate else time.monotonic()
                    if due > began + seconds or time.monotonic() > began + seconds + 5:
                        return
                    time.sleep(max(0.0, due - time.monotonic()))
                    self._call(client, choose, due, began)

        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(work, range(WORKERS)))
        return (len(self.latencies) - before) / (time.monotonic() - began)

    def _call(self, client: Client, choose: random.Random, due: float, began: float) -> None:
        (kind,) = choose.choices(list(KINDS), list(KINDS.values()))
        start = time.monotonic()
        try:
            self._do(kind, client, choose)
        except errors.ScenographError as error:
            with self._lock:
                self.failed[f"{error.code.name} {error.reason}"] += 1
            return
        now = time.monotonic()
        with self._lock:
            self.late += start - due > 0.5
            self.latencies.append((now - began, kind, (now - start) * 1e3))

    def _do(self, kind: str, client: Client, choose: random.Random) -> None:
        if kind == "write":  # an item gives way to another
            with self._lock:
                gone, fresh = self._items.pop(0), f"n{time.monotonic_ns()}-{choose.random()}"
                self._items.append(fresh)
            client.delete(COLLECTION, [gone])
            (status,) = client.batch_ingest(COLLECTION, [Item(id=fresh, texts=[self._text()])])
            if status.error is not None:
                raise status.error
            return
        text = choose.choice(self._asked) if kind == "kept search" else self._text()
        page = client.search(COLLECTION, text=text, returning="text", limit=PAGE)
        if kind == "pages" and page.next_page_token:
            token = page.next_page_token
            client.search(COLLECTION, text=text, returning="text", limit=PAGE, page_token=token)

    def _text(self) -> str:
        """A sentence that was not used yet; after all of them, the same again with another ending."""
        with self._lock:
            text = next(self._new, None)
            if text is None:
                self.seed += 10
                self._new = (f"{one} in picture {self.seed}" for one in sentences(self.seed))
                text = next(self._new)
            return text
