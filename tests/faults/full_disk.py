"""A process whose files may not grow past a limit, as on a full disk: `python -m tests.faults.full_disk
FOLDER`.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from scenograph.runtime.contracts import Write
from scenograph.scene.errors import DiskFull
from tests.index.make import BITS, PACK, all_ids, opened, put, query, record


def allow(size: int) -> None:
    """Lets files grow to so many bytes; -1: as they like."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def largest(folder: Path) -> int:
    """Size of the largest file."""
    return max(path.stat().st_size for path in folder.rglob("*"))


def left_in(folder: Path) -> list[Path]:
    """What is in a folder."""
    return list(folder.iterdir())


async def main() -> None:
    folder = Path(sys.argv[1])
    async with opened(folder, collections=["photos"]) as app:
        await put(app, *(record(f"before-{n}", n) for n in range(20)))
        version = (await app.get_collection("photos")).version
        allow(largest(folder) + 20_000)
        big = [Write(record(f"big-{n}", n, texts=5, metadata={"x": "y" * 5000}), f"r{n}") for n in range(50)]
        for _ in range(2):
            try:
                await app.upsert("photos", big)
                raise SystemExit("the disk was not full")
            except DiskFull as error:
                print("full:", error)
        assert (await app.get_collection("photos")).version == version
        assert await all_ids(app) == [f"before-{n}" for n in range(20)]
        assert len((await app.search("photos", query())).hits) == 40
        allow(20_000)
        for call in (app.create_snapshot("photos", "first"), app.create_collection("other", PACK, BITS)):
            try:
                await call
                raise SystemExit("there was room for it")
            except DiskFull:
                assert left_in(folder / "building") == []
        assert (await app.list_snapshots())[0] == []
        assert len((await app.list_collections())[0]) == 1
        allow(resource.RLIM_INFINITY)
        result = await app.upsert("photos", big)
        assert result.errors == [None] * 50 and not any(result.replayed)
        await app.create_snapshot("photos", "first")
        allow(20_000)
        try:
            await app.restore_snapshot("first")
            raise SystemExit("there was room for it")
        except DiskFull:
            assert len(await all_ids(app)) == 70
    allow(resource.RLIM_INFINITY)
    async with opened(folder) as app:
        assert len(await all_ids(app)) == 70
    print("done")


if __name__ == "__main__":
    asyncio.run(main())
