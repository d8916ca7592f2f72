"""What the writer does inside one SQLite transaction, and in the draft of the next view beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace

from scenograph.index import record_sums
from scenograph.index.database import State, write_state
from scenograph.index.draft import Draft
from scenograph.index.records import Packed
from scenograph.index.table import View
from scenograph.runtime.contracts import Source
from scenograph.scene.errors import InvalidInput, RequestIdReused


class Transaction:
    """Puts and removes records. The caller begins and commits; nothing here is seen before it publishes
    `view()`.
    """

    def __init__(
        self, connection: sqlite3.Connection, state: State, view: View, now_us: int, remembered: int
    ) -> None:
        self._connection = connection
        self._now = now_us
        self._remembered = remembered
        self.draft = Draft(view)
        self.state = state
        self._sequence = state.next_sequence
        self._entry = state.next_entry
        self.changed = False
        self.removed = False

    def replayed(self, item: str, request_id: str, digest: bytes) -> bool:
        """Whether this request wrote this item before. Errors: RequestIdReused where it then had other
        content.
        """
        if not request_id:
            return False
        row = self._connection.execute(
            "SELECT digest FROM requests WHERE request_id = ? AND id = ?", (request_id, item)
        ).fetchone()
        if row is not None and row[0] != digest:
            raise RequestIdReused(
                f"the request id {request_id[:80]!r} was used before with other content for {item[:80]!r}"
            )
        return row is not None

    def put(
        self, record: Packed, request_id: str, digest: bytes, *, image: bytes = b"", field: str = ""
    ) -> None:
        """The record in place of any of its id, and the file of its image where that is kept.

        Errors: InvalidInput where the embeddings' size is not the collection's.
        """
        self._check_dimension(record, field)
        count, first = len(record.texts), self._entry
        self._entry += count
        old = self._stored(record.id)
        if old is not None:
            sequence, *entries = old
            self._delete_entries(*entries)
            self._connection.execute(
                "UPDATE items SET metadata = ?, first_entry = ?, entries = ?, update_us = ?"
                " WHERE sequence = ?",
                (record.metadata, first, count, self._now, sequence),
            )
        else:
            sequence = self._sequence
            self._sequence += 1
            self._connection.execute(
                "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?)",
                (sequence, record.id, record.metadata, first, count, self._now, self._now),
            )
        self._insert_entries(record, first)
        self._connection.execute("DELETE FROM originals WHERE sequence = ?", (sequence,))
        if image:
            self._connection.execute("INSERT INTO originals VALUES (?, ?)", (sequence, image))
        record_sums.add(self._connection, sequence, first, count)
        if request_id:
            self._connection.execute(
                "INSERT INTO requests (request_id, id, digest) VALUES (?, ?, ?)",
                (request_id, record.id, digest),
            )
        self.draft.put(record.id, sequence, record.metadata, record.rows(first))
        self.changed = True

    def delete(self, item: str) -> bool:
        """Takes the item and all it holds out; False where there is none of that id."""
        old = self._stored(item)
        if old is None:
            return False
        sequence, *entries = old
        self._delete_entries(*entries)
        self._connection.execute("DELETE FROM items WHERE sequence = ?", (sequence,))
        self._connection.execute("DELETE FROM originals WHERE sequence = ?", (sequence,))
        record_sums.remove_item(self._connection, sequence)
        self.changed = self.removed = True
        return True

    def adopt(self, record: Packed, source: Source) -> None:
        """The record in the place, and with the times, that its source has in another file."""
        self._sequence, self._now = source.sequence, source.update_us
        self.put(record, "", b"", image=source.image)
        self._connection.execute(
            "UPDATE items SET create_us = ? WHERE sequence = ?", (source.create_us, source.sequence)
        )
        record_sums.add_item(self._connection, source.sequence)

    def go_on_at(self, sequence: int) -> None:
        """The next new item gets this place in the order of first writing."""
        self._sequence = sequence

    def remember(self, requests: Iterable[tuple[str, str, bytes]]) -> None:
        """Takes over another file's request ids."""
        self._connection.executemany(
            "INSERT INTO requests (request_id, id, digest) VALUES (?, ?, ?)", requests
        )

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """A statement of the caller's own, on tables that this class knows nothing of."""
        self.changed = True
        return self._connection.execute(statement, values)

    def finish(self) -> None:
        """Writes the state with a new version, and forgets the oldest request ids."""
        version = self.state.version + 1
        self.state = replace(
            self.state, version=version, next_sequence=self._sequence, next_entry=self._entry
        )
        write_state(self._connection, self.state)
        self._connection.execute(
            "DELETE FROM requests WHERE number <= (SELECT max(number) FROM requests) - ?", (self._remembered,)
        )

    def view(self) -> View:
        """The view to publish once the commit has returned."""
        return self.draft.view(self.state.version)

    def _check_dimension(self, record: Packed, field: str) -> None:
        if self.state.dimension is None:
            self.state = replace(self.state, dimension=record.dimension)
            self.draft.set_dimension(record.dimension)
        elif record.dimension != self.state.dimension:
            message = (
                f"embeddings have {record.dimension} values; the collection's have {self.state.dimension}"
            )
            raise InvalidInput(message, field=f"{field}.entries")

    def _stored(self, item: str) -> tuple[int, int, int] | None:
        """The item's place in the order of first writing, its first entry and how many it has."""
        found: tuple[int, int, int] | None = self._connection.execute(
            "SELECT sequence, first_entry, entries FROM items WHERE id = ?", (item,)
        ).fetchone()
        return found

    def _delete_entries(self, first: int, entries: int) -> None:
        self.removed, end = True, first + entries
        self.draft.remove(first)
        self._connection.execute("DELETE FROM entries WHERE entry >= ? AND entry < ?", (first, end))
        self._connection.execute("DELETE FROM graphs WHERE entry >= ? AND entry < ?", (first, end))
        record_sums.remove_entries(self._connection, first, end)

    def _insert_entries(self, record: Packed, first: int) -> None:
        self._connection.executemany(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (first + i, modality, ordinal, text, *size, code.tobytes(), embedding.tobytes())
                for i, (modality, ordinal, text, size, code, embedding) in enumerate(
                    zip(
                        record.modalities,
                        record.ordinals,
                        record.texts,
                        record.sizes,
                        record.codes,
                        record.embeddings,
                        strict=True,
                    )
                )
            ),
        )
        self._connection.executemany(
            "INSERT INTO graphs VALUES (?, ?)",
            ((first + i, graph) for i, graph in enumerate(record.graphs) if graph is not None),
        )
