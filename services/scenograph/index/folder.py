"""The index folder on disk: its format, its lock, and which file is which collection's and snapshot's.

index.json                      format, secret of the page tokens, last epoch given out
lock                            held while a process has the folder open
collections/NAME/current.json   which file serves the collection
collections/NAME/EPOCH.sqlite   the records
collections/NAME/second.json    which file is made anew for another pack, to serve later
collections/NAME/EPOCH.sqlite.columns/  what searching needs of them, made from them
snapshots/NAME/                 snapshot.json and records.sqlite
building/, trash/               what is not yet, or no longer, there; emptied at open
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from scenograph.index.database import raise_os_error
from scenograph.index.files import remove, sync_folder, write_whole
from scenograph.scene.errors import FailedPrecondition, IndexCorrupt, IndexFormatTooNew

FORMAT = 1


class _Settings(msgspec.Struct):
    format: int
    secret: bytes
    epoch: int


class _Current(msgspec.Struct):
    file: str


class SecondFile(msgspec.Struct, frozen=True):
    """A file of a collection that is made anew for another pack, and since when."""

    file: str
    pack_version: str
    start_us: int


def current_file(home: Path) -> Path:
    """The file that serves the collection in this folder. Errors: IndexCorrupt where that cannot be told."""
    try:
        current = msgspec.json.decode((home / "current.json").read_bytes(), type=_Current)
    except (OSError, msgspec.MsgspecError) as error:
        message = f"current.json of {home.name!r} is missing or damaged; restore a snapshot"
        raise IndexCorrupt(message) from error
    if Path(current.file).name != current.file:
        raise IndexCorrupt(f"current.json of {home.name!r} names a file elsewhere; restore a snapshot")
    return home / current.file


class Folder:
    """Opens (or makes) the folder and holds its lock until `close`.

    Errors: FailedPrecondition where another process has it open, IndexFormatTooNew, IndexCorrupt, DiskFull,
    Unavailable.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        with self._errors():
            root.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            with self._errors():
                self._take_lock()
                self._settings = self._read_settings()
                for name in ("building", "trash"):
                    shutil.rmtree(root / name, ignore_errors=True)
                for name in ("building", "trash", "collections", "snapshots"):
                    (root / name).mkdir(exist_ok=True)
                sync_folder(root)
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Lets another process open the folder."""
        os.close(self._lock)

    @property
    def secret(self) -> bytes:
        """32 random bytes that belong to this folder."""
        return self._settings.secret

    def next_epoch(self) -> int:
        """A number never given out before, not even before a crash."""
        fresh = _Settings(FORMAT, self._settings.secret, self._settings.epoch + 1)
        with self._errors():
            write_whole(self.root / "index.json", msgspec.json.encode(fresh))
        self._settings = fresh
        return fresh.epoch

    def collections(self) -> list[str]:
        """Names of the collections, sorted."""
        return sorted(path.name for path in (self.root / "collections").iterdir() if path.is_dir())

    def snapshots(self) -> list[str]:
        """Names of the snapshots, sorted."""
        return sorted(path.name for path in (self.root / "snapshots").iterdir() if path.is_dir())

    def collection_file(self, name: str) -> Path:
        """The file that serves a collection. Errors: IndexCorrupt where that cannot be told."""
        return current_file(self.root / "collections" / name)

    def snapshot_home(self, name: str) -> Path:
        """A snapshot's folder, whether it is there or not."""
        return self.root / "snapshots" / name

    @contextmanager
    def building(self, label: str) -> Iterator[Path]:
        """An empty folder to build something in; what is still in it afterwards is removed."""
        path = self.root / "building" / label
        with self._errors():
            path.mkdir()
            try:
                yield path
            finally:
                shutil.rmtree(path, ignore_errors=True)

    def add_collection(self, name: str, built: Path, file: str) -> Path:
        """Puts a built folder with its file in place as a new collection; the file's path there."""
        with self._errors():
            write_whole(built / "current.json", msgspec.json.encode(_Current(file)))
            built.rename(self.root / "collections" / name)
            sync_folder(self.root / "collections")
        return self.root / "collections" / name / file

    def move_in(self, name: str, built: Path) -> Path:
        """Moves a built file beside the one that serves the collection now, without switching; its path
        there.
        """
        target = self.root / "collections" / name / built.name
        with self._errors():
            built.rename(target)
            sync_folder(target.parent)
        return target

    def switch(self, name: str, file: str) -> None:
        """Makes another file serve the collection, at once and durably; then removes the others."""
        home = self.root / "collections" / name
        with self._errors():
            write_whole(home / "current.json", msgspec.json.encode(_Current(file)))
        for path in home.iterdir():
            if path.name != "current.json" and not path.name.startswith(file):
                remove(path)

    def second(self, name: str) -> SecondFile | None:
        """The file that is made to serve the collection later; None where there is none."""
        home = self.root / "collections" / name
        try:
            found = msgspec.json.decode((home / "second.json").read_bytes(), type=SecondFile)
        except (OSError, msgspec.MsgspecError):
            return None
        return found if Path(found.file).name == found.file and (home / found.file).is_file() else None

    def add_second(self, name: str, second: SecondFile) -> None:
        """Notes a file that was made beside the one that serves."""
        with self._errors():
            path = self.root / "collections" / name / "second.json"
            write_whole(path, msgspec.json.encode(second))

    def forget_second(self, name: str) -> None:
        """Removes all but the file that serves the collection."""
        self.switch(name, self.collection_file(name).name)

    def remove_collection(self, name: str, epoch: int) -> None:
        """Takes a collection away, at once and durably; then deletes its files."""
        gone = self.root / "trash" / f"{name}-{epoch}"
        with self._errors():
            (self.root / "collections" / name).rename(gone)
            sync_folder(self.root / "collections")
        shutil.rmtree(gone, ignore_errors=True)

    def add_snapshot(self, name: str, built: Path) -> None:
        """Puts a built folder in place as a snapshot."""
        with self._errors():
            sync_folder(built)
            built.rename(self.snapshot_home(name))
            sync_folder(self.root / "snapshots")

    def remove_snapshot(self, name: str, epoch: int) -> None:
        """Takes a snapshot away, at once and durably; then deletes its files."""
        gone = self.root / "trash" / f"snapshot-{name}-{epoch}"
        with self._errors():
            self.snapshot_home(name).rename(gone)
            sync_folder(self.root / "snapshots")
        shutil.rmtree(gone, ignore_errors=True)

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FailedPrecondition(f"another process has the index folder {self.root} open") from None

    def _read_settings(self) -> _Settings:
        path = self.root / "index.json"
        if not path.exists():
            if any((self.root / "collections").glob("*")):
                raise IndexCorrupt(
                    f"{self.root} has collections but no index.json; put it back from a backup"
                )
            settings = _Settings(FORMAT, secrets.token_bytes(32), 0)
            write_whole(path, msgspec.json.encode(settings))
            return settings
        try:
            found = msgspec.json.decode(path.read_bytes())["format"]
            if found > FORMAT:
                raise IndexFormatTooNew(f"{self.root} has format {found}; this release reads up to {FORMAT}")
            return msgspec.json.decode(path.read_bytes(), type=_Settings)
        except (msgspec.MsgspecError, KeyError, TypeError) as error:
            raise IndexCorrupt(f"{path} is damaged: {error}") from error

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise_os_error(error, str(self.root))
