"""kill -9 while snapshots are made and restored: each is there whole or not at all, and so is each restored
collection.
"""

from __future__ import annotations

from pathlib import Path

from tests.faults.crash_snapshots import BASE
from tests.faults.killed import killed
from tests.faults.outcome import Outcome
from tests.index.make import all_ids, opened, query

LIVES = 4
# What the process is about to do when it is killed, so that all of it is met.
MOMENTS = ("try snap", "try copy", "try roll", "try roll")


async def test_kill_while_snapshots_are_made_and_restored(tmp_path: Path) -> None:
    folder, outcome = tmp_path / "index", Outcome("killed while snapshots are made and restored (kill -9)")
    photos: set[str] = {f"base-{n}" for n in range(BASE)}
    base = set(photos)
    made: set[str] = set()
    for life in range(LIVES):
        moment = MOMENTS[life]

        def enough(lines: list[str], moment: str = moment) -> bool:
            begun = sum(line.startswith(moment) for line in lines)
            return begun >= 2 and lines[-1].startswith(moment)

        said = killed("tests.faults.crash_snapshots", str(folder), str(life), enough=enough)
        done = [line[3:] for line in said if line.startswith("ok ")]
        photos |= {what.split()[1] for what in done if what.startswith("put-photos")}
        made |= {what.split()[1] for what in done if what.startswith("snap")}
        tried = {line.split()[2] for line in said if line.startswith("try put ")}
        last_roll = max((n for n, line in enumerate(said) if line == "ok roll"), default=-1)
        since = {line.split()[2] for line in said[last_roll + 1 :] if line.startswith("try put ")}
        acknowledged = {line.split()[2] for line in said[last_roll + 1 :] if line.startswith("ok put ")}
        rolling = "try roll" in said[last_roll + 1 :]

        async with opened(folder) as app:
            assert app.damaged() == {}
            found = set(await all_ids(app))
            outcome.writes += len(done)
            outcome.lost += len(photos - found)
            rolled = set(await all_ids(app, "rolled"))
            outcome.lost += len(base - rolled)
            extra = rolled - base
            assert extra <= since <= tried and (acknowledged <= extra or (rolling and not extra))
            snapshots = {one.name: one for one in (await app.list_snapshots(page_size=1000))[0]}
            outcome.lost += len(made - set(snapshots))
            for name in [*sorted(made), *(set(snapshots) - made)][-3:]:
                restored = await app.restore_snapshot(name, "check")
                ids = set(await all_ids(app, "check"))
                outcome.searches += 1
                outcome.wrong += len(ids) != snapshots[name].items or not ids <= found | photos | base
                hits = (await app.search("check", query(coarse_candidates=10_000))).hits
                outcome.wrong += len(hits) != restored.entries
            await app.delete_collection("check")
        assert not any(path.exists() and list(path.iterdir()) for path in (folder / "building",))
    outcome.check()
