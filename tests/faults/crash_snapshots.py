"""A process that writes, makes snapshots and restores them until it is killed: `python -m
tests.faults.crash_snapshots FOLDER LIFE`.

It prints "try WHAT" before and "ok WHAT" after each step: `put ID` into the collection "rolled", `roll` (the
snapshot "base" restored in its place), `put-photos ID`, `snap NAME` (a snapshot of "photos"), `copy NAME` (it
restored as another collection).
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from scenograph.index.app import IndexApp
from scenograph.runtime.contracts import Write
from tests.index.make import BITS, PACK, record

BASE = 100


async def step(what: str, work: object) -> None:
    """Says what is done, does it, says that it is done."""
    print("try", what, flush=True)
    await work  # type: ignore[misc]
    print("ok", what, flush=True)


async def write(app: IndexApp, life: int) -> None:
    for number in range(1_000_000):
        item = f"{life}-{number}"
        await step(f"put-photos {item}", app.upsert("photos", [Write(record(item, number))]))


async def snapshots(app: IndexApp, life: int) -> None:
    for number in range(1_000_000):
        name = f"s{life}-{number}"
        await step(f"snap {name}", app.create_snapshot("photos", name))
        await step(f"copy {name}", app.restore_snapshot(name, "copy"))
        for part in range(3):
            item = f"x{life}-{number}-{part}"
            await step(f"put {item}", app.upsert("rolled", [Write(record(item, part))]))
        await step("roll", app.restore_snapshot("base", "rolled"))


async def main() -> None:
    app, life = IndexApp(Path(sys.argv[1])), int(sys.argv[2])
    await app.start()
    if not life:
        for name in ("photos", "rolled"):
            await app.create_collection(name, PACK, BITS)
            await app.upsert(name, [Write(record(f"base-{n}", n, texts=4)) for n in range(BASE)])
        await app.create_snapshot("rolled", "base")
    print("ready", flush=True)
    await asyncio.gather(write(app, life), snapshots(app, life))


if __name__ == "__main__":
    asyncio.run(main())
