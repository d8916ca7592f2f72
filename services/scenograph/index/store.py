"""One open collection: its SQLite file, its writer, and its read side."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from scenograph.index import checks, database, id_index, opening
from scenograph.index.access import Held
from scenograph.index.database import State, errors_named
from scenograph.index.draft import compacted, needs_compaction
from scenograph.index.limits import Limits
from scenograph.index.lists_file import read_lists
from scenograph.index.reader import Reader
from scenograph.index.records import Packed, pack, to_time
from scenograph.index.sealed import codec_of
from scenograph.index.searching import searched
from scenograph.index.table import View
from scenograph.index.transaction import Transaction
from scenograph.index.upkeep import Upkeep
from scenograph.index.writer import Job, StoreClosed, Writer
from scenograph.runtime.contracts import Collection, DeleteResult, IndexAnswer, IndexQuery, Write, WriteResult
from scenograph.runtime.telemetry.collections import CollectionSize
from scenograph.runtime.vault import Vault
from scenograph.scene.errors import IndexCorrupt, PermissionDenied, ResourceExhausted, ScenographError

BLOCK_BYTES = 512  # what stat counts in
LOG_BYTES = 64 * 1024 * 1024  # readers without a gap keep SQLite from reusing its log: past this, make one

Finish = Callable[[int], Any]  # the collection's version after the commit -> a call's answer


class Store:
    """Opened from its file; every method blocks, none is called from the event loop.

    Errors: IndexCorrupt, IndexFormatTooNew, DiskFull, Unavailable from whatever reads or writes; StoreClosed
    once closed; WrongKey where it is encrypted and the vault has not its key.

    `held` are the access labels of whoever calls; None sees all, and may write all.
    """

    def __init__(self, path: Path, name: str, limits: Limits, vault: Vault | None = None) -> None:
        self.path = path
        self.name = name
        self.writes_stopped = False
        self._limits = limits
        self._log = path.with_name(path.name + "-wal")
        self._unclean = True  # an earlier life may have left removed records in the write-ahead log
        with errors_named(name):
            self._connection = database.open_file(path, name, writer=True)
            try:
                self._state = database.read_state(self._connection)
                self.codec = codec_of(self._connection, name, vault)
                view, position = opening.open_view(path, self._connection, self.codec, self._state)
                id_index.mend(self._connection, self.codec, name, view)
            except ValueError as error:
                self._connection.close()
                raise IndexCorrupt(f"the file of {name!r} is damaged: {error}; restore a snapshot") from error
            except BaseException:
                self._connection.close()
                raise
        if position is not None and view.entries > limits.exact_up_to:
            view.table.lists = read_lists(view.table, position.rows)
        self.reader = Reader(path, name, view, self.codec, limits.kept_graphs)
        self._home = None if self.codec.whole else opening.columns_home(path)
        self._remake = False
        self._writer = Writer(name, self._commit, self._idle, limits.pending_writes)
        self._upkeep = Upkeep(
            name, self._home, view, position, limits, self._make_anew, self.reader.graphs.forget
        )

    def close(self) -> None:
        """Finishes the queued writes and lets go of the file; reads under way end first."""
        self._writer.close()
        self._upkeep.close()
        self.reader.close()
        self._connection.close()

    def stop_writes(self) -> None:
        """Finishes the queued writes and takes no more; reads go on."""
        self._writer.close()
        self.writes_stopped = True

    def write(self, work: Callable[[Transaction], None]) -> None:
        """Does a write of the caller's own; returns once it is durable."""

        def job(transaction: Transaction) -> Finish:
            work(transaction)
            return lambda version: None

        self._writer.submit(job, 1).result()

    @property
    def state(self) -> State:
        """What the collection is, as of the last commit."""
        return self._state

    def describe(self, held: Held = None) -> Collection:
        """What the collection holds now."""
        view, state = self.reader.view, self._state
        created = to_time(state.create_us)
        items, entries = self.reader.counts(view, held)
        return Collection(
            self.name,
            state.pack_version,
            state.bits,
            items,
            entries,
            view.version,
            created,
            searched(view, held),
        )

    def size(self) -> CollectionSize:
        """How large it is now; a file that is being replaced counts as empty."""
        view, size = self.reader.view, 0
        columns = self._home.rglob("*") if self._home else ()
        for file in (self.path, self._log, *columns):
            with suppress(OSError):
                size += file.stat().st_blocks * BLOCK_BYTES
        return CollectionSize(self.name, view.items, view.entries, size)

    def search(self, query: IndexQuery, held: Held = None) -> IndexAnswer:
        """The nearest entries. Errors: InvalidInput, InvalidFilter, PackMismatch."""
        checks.check_query(query, self._state.bits, self._state.pack_version, self._state.dimension)
        return self.reader.search(query, held)

    def upsert(self, writes: Sequence[Write], held: Held = None) -> Future[WriteResult]:
        """Checks and queues the writes; the answer comes when they are durable.

        Errors: InvalidInput or DuplicateItem for the whole call, ResourceExhausted; those of one write are
        in the answer, also PermissionDenied for labels that the caller does not hold, and for an id whose
        item they do not see.
        """
        checks.check_writes(writes)
        packed = [self._pack(write, f"writes[{position}]", held) for position, write in enumerate(writes)]

        def work(transaction: Transaction) -> Finish:
            errors: list[ScenographError | None] = []
            replayed: list[bool] = []
            for position, (write, record) in enumerate(zip(writes, packed, strict=True)):
                error, seen = None, False
                try:
                    if isinstance(record, ScenographError):
                        raise record
                    if transaction.is_hidden(record.id, held):
                        raise PermissionDenied(f"the id {record.id[:80]!r} is taken by an item out of reach")
                    digest = bytes(write.content_digest)
                    seen = transaction.replayed(record.id, write.request_id, digest)
                    if not seen:
                        field = f"writes[{position}].record"
                        transaction.put(record, write.request_id, digest, image=write.original, field=field)
                except ScenographError as refused:
                    error = refused.with_traceback(None)  # its frames would keep the collection's files open
                errors.append(error)
                replayed.append(seen)
            return lambda version: WriteResult(errors, replayed, version)

        return self._writer.submit(work, len(writes))

    def delete(self, ids: Sequence[str], held: Held = None) -> Future[DeleteResult]:
        """Queues the removal; the answer comes once durable. Errors: InvalidInput, ResourceExhausted."""
        checks.check_ids(ids)
        wanted = list(dict.fromkeys(ids))

        def work(transaction: Transaction) -> Finish:
            missing = [item for item in wanted if not transaction.delete(item, held)]
            return lambda version: DeleteResult(len(wanted) - len(missing), missing, version)

        return self._writer.submit(work, len(wanted))

    def _make_anew(self) -> None:
        """Has the writer make the columns again from the records; reads go on meanwhile."""
        self._remake = True
        with suppress(StoreClosed, ResourceExhausted):
            self._writer.submit(lambda transaction: lambda version: None, 0)

    def _pack(self, write: Write, field: str, held: Held) -> Packed | ScenographError:
        try:
            checks.check_labels(write.record.access_labels, held, f"{field}.record.access_labels")
            metadata = checks.check_write(write, self._state.bits, self._state.pack_version, field)
            return pack(write.record, metadata)
        except ScenographError as error:
            return error.with_traceback(None)

    # What follows runs in the writer's thread.

    def _commit(self, jobs: list[Job[Any]]) -> None:
        """One commit for all the jobs; where that fails, one for each, so that one job's failure is not
        another's.
        """
        try:
            finishes = self._transact(jobs)
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].result.set_exception(error)
            else:
                for job in jobs:
                    self._commit([job])
            return
        for job, finish in zip(jobs, finishes, strict=True):
            job.result.set_result(finish(self.reader.view.version))
        if self._remake:
            self._remake = False
            with errors_named(self.name):
                self._publish(opening.rebuilt(self._home, self._connection, self.codec, self._state))
        if needs_compaction(self.reader.view):
            self._publish(compacted(self.reader.view, self._home and opening.next_table(self._home)))
        if self._log.exists() and self._log.stat().st_size > LOG_BYTES:
            self._empty_log(wait_ms=1000)

    def _transact(self, jobs: list[Job[Any]]) -> list[Finish]:
        connection, now = self._connection, time.time_ns() // 1000
        remembered = self._limits.remembered_requests
        transaction = Transaction(connection, self._state, self.reader.view, now, remembered, self.codec)
        with errors_named(self.name):
            connection.execute("BEGIN IMMEDIATE")
            try:
                finishes = [job.work(transaction) for job in jobs]
                if not transaction.changed:
                    connection.execute("ROLLBACK")
                    return finishes
                transaction.finish()
                view = transaction.view()
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        self._state = transaction.state
        self._publish(view)
        self._unclean |= transaction.removed
        return finishes

    def _publish(self, view: View) -> None:
        """From here on every reader sees the change."""
        self.reader.view = view
        self._upkeep.published(view)

    def _idle(self) -> None:
        """After removals, empties the write-ahead log, so that no file holds what was removed."""
        if self._unclean:
            self._empty_log(wait_ms=0)

    def _empty_log(self, wait_ms: int) -> None:
        """Moves the write-ahead log into the file, waiting so long for readers of older versions."""
        try:
            self._connection.execute(f"PRAGMA busy_timeout = {wait_ms}")
            self._unclean = bool(self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
            self._connection.execute("PRAGMA busy_timeout = 10000")
        except sqlite3.Error:
            pass  # a full disk, say: a later moment tries again
