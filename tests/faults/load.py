"""Writers that remember what was acknowledged, and searchers that know the right answer, until they are told
to stop; then what is lost and wrong is counted.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Self

from scenograph.client import Client, Item, Page, errors
from tests.faults.outcome import Outcome
from tests.faults.sentences import sentences

FIXED = "fixed"
WRITTEN = "written"
CALL_S = 5.0
PAUSE_S = 0.1
FIXED_ITEMS = 24
SHOWN = 5
_runs = itertools.count()
_sentences = sentences(1)
_drawing = threading.Lock()


def _unused() -> str:
    """A sentence that no item has: of two with the same one, either could be found first."""
    with _drawing:
        return next(_sentences)


def connected(address: str, timeout: float = CALL_S) -> Client:
    """A client, on a connection of its own: gRPC shares those to one address otherwise."""
    return Client(address, timeout=timeout, metadata=(("x-run", str(next(_runs))),))


class Fixed:
    """A collection that nobody writes, and the answers that it gave when nothing was wrong."""

    def __init__(self, address: str) -> None:
        texts = list(itertools.islice(sentences(0), FIXED_ITEMS))
        self.answers: dict[str, list[str]] = {}
        with connected(address, 60) as client:
            client.create_collection(FIXED)
            items = [Item(id=f"f{n}", texts=[text]) for n, text in enumerate(texts)]
            assert all(status.ok for status in client.batch_ingest(FIXED, items))
            client.create_collection(WRITTEN)
            for n, text in enumerate(texts):
                page = search(client, FIXED, text)
                assert page.hits[0].id == f"f{n}" and not page.report.degraded
                self.answers[text] = [hit.id for hit in page]


def search(client: Client, collection: str, text: str) -> Page:
    """The sentences nearest to a sentence."""
    return client.search(collection, text=text, returning="text", limit=SHOWN)


class Load:
    """Calls from `writers` and `searchers` threads between entering and leaving. `outcome` counts them.

    A writer that gets no acknowledgement sends the same request again until it does. Each fourth item is
    removed again, each fifth is written over. A searcher asks for a sentence of the fixed collection, then
    for one that was acknowledged.
    """

    def __init__(
        self, address: str, fixed: Fixed, fault: str, *, writers: int = 2, searchers: int = 2, note: str = ""
    ) -> None:
        self.outcome = Outcome(fault, note=note)
        self._address = address
        self._fixed = fixed
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._there: dict[str, str] = {}
        self._gone: set[str] = set()
        self._failed: dict[str, Counter[str]] = {"writes": Counter(), "searches": Counter()}
        self._last_failure = self._healed = 0.0
        self.first_failure: float | None = None
        self.errors: list[BaseException] = []
        self.messages: Counter[str] = Counter()
        run = next(_runs)
        self._threads = [
            threading.Thread(target=self._guarded, args=(work, run * 100 + number), daemon=True)
            for work, count in ((self._write, writers), (self._search, searchers))
            for number in range(count)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def until(self, condition: Callable[[Outcome], bool], seconds: float = 60.0) -> None:
        """Waits for what the counts tell."""
        end = time.monotonic() + seconds
        while not condition(self.outcome):
            assert time.monotonic() < end and not self.errors, (self.outcome, self.messages, self.errors)
            time.sleep(0.02)

    def more(self, writes: int = 0, searches: int = 0, seconds: float = 60.0) -> None:
        """Waits until so many more have succeeded."""
        wanted = (self.outcome.writes + writes, self.outcome.searches + searches)
        self.until(lambda now: now.writes >= wanted[0] and now.searches >= wanted[1], seconds)

    def failures(self) -> dict[str, Counter[str]]:
        """Calls that failed so far, by code."""
        with self._lock:
            return {kind: Counter(counts) for kind, counts in self._failed.items()}

    @contextmanager
    def failing(self) -> Iterator[None]:
        """The block is the fault; leaving it is the healing."""
        yield
        self._healed = time.monotonic()

    def finish(self, address: str = "", *, collection: str = WRITTEN) -> Outcome:
        """Compares what is there with what was acknowledged; call it after the block. Checks the outcome."""
        assert not self.errors, self.errors
        outcome = self.outcome
        with connected(address or self._address, 60) as client:
            found = {
                item.id: item.texts for page in client.list_items(collection, page_size=200) for item in page
            }
            kept = [item for item, text in self._there.items() if found.get(item) == (text,)]
            outcome.lost = len(self._there) - len(kept)
            outcome.wrong += len(self._gone & set(found))
            for item in kept[:: max(1, len(kept) // 10)]:
                outcome.searches += 1
                hits = search(client, collection, self._there[item]).hits
                outcome.wrong += not hits or hits[0].id != item
            for text, right in list(self._fixed.answers.items())[:6]:
                outcome.searches += 1
                outcome.wrong += [hit.id for hit in search(client, FIXED, text)] != right
        outcome.failed_writes = dict(self._failed["writes"])
        outcome.failed_searches = dict(self._failed["searches"])
        if self._healed:
            outcome.recovery_s = round(max(0.0, self._last_failure - self._healed), 2)
        outcome.check()
        return outcome

    def _guarded(self, work: Callable[[Client, int], None], seed: int) -> None:
        try:
            with connected(self._address) as client:
                work(client, seed)
        except BaseException as error:
            self.errors.append(error)

    def _write(self, client: Client, seed: int) -> None:
        for number in itertools.count():
            text = _unused()
            item = Item(id=f"w{seed}-{number}", texts=[text], request_id=f"r{seed}-{number}")
            if not self._acknowledged(partial(_put, client, [item])):
                return
            with self._lock:
                self._there[item.id] = text
                self.outcome.writes += 1
            if number % 5 == 4:
                self._write_over(client, item.id, f"{text} at night")
            if number % 4 == 3 and not self._remove(client, item.id):
                return

    def _write_over(self, client: Client, item: str, text: str) -> None:
        with self._lock:
            before = self._there.pop(item)
        if self._acknowledged(lambda: _put(client, [Item(id=item, texts=[text], request_id=text)])):
            before = text
            self.outcome.writes += 1
            with self._lock:
                self._there[item] = before

    def _remove(self, client: Client, item: str) -> bool:
        with self._lock:
            self._there.pop(item, None)
        if not self._acknowledged(lambda: client.delete(WRITTEN, [item])):
            return False
        with self._lock:
            self._gone.add(item)
        self.outcome.writes += 1
        return True

    def _acknowledged(self, call: Callable[[], object]) -> bool:
        """Calls until it is acknowledged; False where the load ends before."""
        while not self._stop.is_set():
            try:
                call()
                return True
            except errors.ScenographError as error:
                self._failure("writes", error)
                self._stop.wait(PAUSE_S)
        return False

    def _search(self, client: Client, seed: int) -> None:
        fixed = list(self._fixed.answers.items())
        for number in itertools.count(seed):
            if self._stop.is_set():
                return
            text, right = fixed[number % len(fixed)]
            self._ask(client, FIXED, text, right)
            with self._lock:
                there = list(self._there.items())
            if there:
                item, text = there[number % len(there)]
                self._ask(client, WRITTEN, text, [item])

    def _ask(self, client: Client, collection: str, text: str, right: Sequence[str]) -> None:
        try:
            page = search(client, collection, text)
        except errors.ScenographError as error:
            self._failure("searches", error)
            self._stop.wait(PAUSE_S)
            return
        found = [hit.id for hit in page][: len(right)]
        with self._lock:
            self.outcome.searches += 1
            if page.report.degraded:  # it says itself that later stages are missing: the best stays the best
                self.outcome.degraded += 1
                found, right = found[:1], right[:1]
            if collection == WRITTEN and self._there.get(right[0]) != text:
                return  # removed or written over meanwhile
            self.outcome.wrong += found != list(right)

    def _failure(self, kind: str, error: errors.ScenographError) -> None:
        with self._lock:
            code = error.code.name if error.code is not None else type(error).__name__
            self._failed[kind][code] += 1
            self.messages[f"{code}: {error}"] += 1
            self._last_failure = time.monotonic()
            self.first_failure = self.first_failure or self._last_failure


def _put(client: Client, items: Sequence[Item]) -> None:
    for status in client.batch_ingest(WRITTEN, items):
        if status.error is not None:
            raise status.error
