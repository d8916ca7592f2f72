"""A process that writes to Milvus and ends, as by a crash, just where it is told to.

Arguments: the index's URL, the step before which it ends, what it does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from tests.index.make import record

from scenograph.index.milvus.app import MilvusIndex
from scenograph.index.milvus.server import MilvusServer
from scenograph.runtime.contracts import Write


def end(*arguments: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, step: str, what: str) -> None:
    index = MilvusIndex(url)
    await index.start()
    await index.get_collection("crashes")
    if step == "version":
        index._collections.changed = end  # type: ignore[assignment]
    elif step:
        setattr(MilvusServer, step, end)
    if what == "upsert":
        writes = [Write(record(f"i{number}", 100 + number), f"r{number}", b"1") for number in range(3)]
        await index.upsert("crashes", [*writes, Write(record("fresh", 200))])
    elif what == "delete":
        await index.delete("crashes", ["i0", "i1"])
    else:
        for number in range(100_000):
            await index.upsert("crashes", [Write(record(f"s{number % 20}", number, texts=number % 3))])
            print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
