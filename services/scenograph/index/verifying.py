"""Reads an index folder through, as it lies on the disk, and tells what is not as it was written.

Nothing is changed, and no lock is taken: a server may serve the folder meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from scenograph.index import database, record_sums, snapshots
from scenograph.index.database import errors_named
from scenograph.index.folder import current_file
from scenograph.scene.errors import DataLoss, FailedPrecondition, InvalidInput, Unavailable


@dataclass(frozen=True, slots=True)
class Verified:
    """A collection or snapshot. `problem`: why it cannot be read; `damaged`: ids of items not as written."""

    kind: str
    name: str
    items: int = 0
    damaged: tuple[str, ...] = ()
    problem: str = ""

    @property
    def sound(self) -> bool:
        """Whether all of it is as it was written."""
        return not self.damaged and not self.problem


def verify(root: Path) -> Iterator[Verified]:
    """Every collection, then every snapshot, by name. Errors: InvalidInput where there is no index folder."""
    if not (root / "index.json").is_file():
        raise InvalidInput(f"{root} is not an index folder: it has no index.json")
    for home in _folders(root / "collections"):
        yield _verified("collection", home.name, home)
    for home in _folders(root / "snapshots"):
        yield _verified("snapshot", home.name, home)


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def _verified(kind: str, name: str, home: Path) -> Verified:
    try:
        file = home / snapshots.RECORDS if kind == "snapshot" else current_file(home)
        with errors_named(name), closing(database.open_file(file, name)) as connection:
            return _read(kind, name, connection)
    except (DataLoss, FailedPrecondition, Unavailable) as error:
        return Verified(kind, name, problem=error.message)


def _read(kind: str, name: str, connection: sqlite3.Connection) -> Verified:
    connection.execute("BEGIN")  # one state of a collection that is being written
    (told,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if told != "ok":
        return Verified(kind, name, problem=f"the file is damaged: {told}")
    database.read_state(connection)
    (items,) = connection.execute("SELECT count(*) FROM items").fetchone()
    if not record_sums.kept(connection):
        return Verified(
            kind, name, items, problem="it has no checksums yet: a server makes them at its start"
        )
    return Verified(kind, name, items, tuple(record_sums.damaged(connection)))
