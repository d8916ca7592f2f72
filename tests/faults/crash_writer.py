"""A process that writes, rewrites and removes items until it is killed: `python -m tests.faults.crash_writer
FOLDER SEED [eager]`. An eager one makes its files durable and its lists anew after each write.

It prints "try ITEM SEED" before and "ok ITEM SEED" after each write; the seed -1 stands for a removal.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from scenograph.index import upkeep
from scenograph.index.app import IndexApp
from scenograph.index.limits import Limits
from scenograph.runtime.contracts import Write
from tests.index.make import record

WRITERS = 8


def say(word: str, item: str, seed: int) -> None:
    print(word, item, seed, flush=True)


async def write(app: IndexApp, writer: int, start: int) -> None:
    choose = random.Random(start + writer)
    for turn in range(1_000_000):
        items = [f"{writer}-{choose.randrange(30)}" for _ in range(3)]
        seeds = dict.fromkeys(items, start + turn)
        for item, seed in seeds.items():
            say("try", item, -1 if turn % 5 == 4 else seed)
        if turn % 5 == 4:
            await app.delete("photos", items)
            seeds = dict.fromkeys(items, -1)
        else:
            writes = [
                Write(record(item, seed, texts=seed % 4), f"{item}/{seed}") for item, seed in seeds.items()
            ]
            result = await app.upsert("photos", writes)
            assert result.errors == [None] * len(writes)
        for item, seed in seeds.items():
            say("ok", item, seed)


async def main() -> None:
    if "eager" in sys.argv:
        upkeep.EVERY_S = upkeep.GROWTH = 0.0
    app = IndexApp(Path(sys.argv[1]), Limits(exact_up_to=20) if "eager" in sys.argv else None)
    await app.start()
    print("ready", flush=True)
    await asyncio.gather(*(write(app, writer, int(sys.argv[2])) for writer in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main())
