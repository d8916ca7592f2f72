"""Which cores servers and callers run on, and what processor time a server used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def split(cores: int) -> tuple[set[int], set[int]]:
    """So many cores for servers and the others for their callers; all for both where none would be left."""
    mine = sorted(os.sched_getaffinity(0))
    return (set(mine[:cores]), set(mine[cores:])) if cores < len(mine) else (set(mine), set(mine))


@contextmanager
def kept_to(cores: set[int]) -> Iterator[None]:
    """Processes started in the block run on these cores alone, and so does this thread while it lasts."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def processor_seconds(pid: int) -> float:
    """What a process has used of its cores so far, all its threads together."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = after_name[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
