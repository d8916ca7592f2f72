"""A process seen from outside: memory, threads and open files, now and then."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Sample:
    """At `at` seconds since the watching began: resident MiB, threads, open files."""

    at: float
    rss_mb: float
    threads: int
    files: int


def sample(pid: int, began: float) -> Sample:
    """What the process takes now. Errors: OSError where it is gone."""
    status = Path(f"/proc/{pid}/status").read_text()
    numbers = {name: int(value) for name, value in re.findall(r"^(VmRSS|Threads):\s+(\d+)", status, re.M)}
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Sample(time.monotonic() - began, numbers["VmRSS"] / 1024, numbers["Threads"], files)


@dataclass
class Watch:
    """Samples a process every `every_s` seconds between entering and leaving."""

    pid: int
    every_s: float = 1.0
    samples: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self.take()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def take(self) -> Sample:
        """A sample now."""
        self.samples.append(sample(self.pid, self._began))
        return self.samples[-1]

    @property
    def peak_mb(self) -> float:
        return max(one.rss_mb for one in self.samples)

    def _run(self) -> None:
        while not self._stop.wait(self.every_s):
            try:
                self.take()
            except OSError:
                return
