"""What the writer does inside one SQLite transaction, and in the draft of the next view beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from scenograph.index import record_sums
from scenograph.index.access import Held, shown
from scenograph.index.database import State, write_state
from scenograph.index.draft import Draft
from scenograph.index.records import Packed
from scenograph.index.sealed import GRAPH, IMAGE, Codec, EntryParts
from scenograph.index.table import View
from scenograph.runtime.contracts import Source
from scenograph.scene.errors import InvalidInput, RequestIdReused


@dataclass(frozen=True, slots=True)
class _Stored:
    """An item's place in the order of first writing, its first entry, how many it has, and its labels."""

    sequence: int
    first_entry: int
    entries: int
    labels: bytes


class Transaction:
    """Puts and removes records. The caller begins and commits; nothing here is seen before it publishes
    `view()`.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        state: State,
        view: View,
        now_us: int,
        remembered: int,
        codec: Codec,
    ) -> None:
        self._connection = connection
        self._codec = codec
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
            "SELECT digest FROM requests WHERE request_id = ? AND id = ?",
            (self._codec.name(request_id), self._codec.name(item)),
        ).fetchone()
        if row is not None and row[0] != self._codec.digest(digest):
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
        codec, count, first = self._codec, len(record.texts), self._entry
        self._entry += count
        old = self._stored(record.id)
        if old is not None:
            sequence = old.sequence
            self._delete_entries(old)
        else:
            sequence = self._sequence
            self._sequence += 1
        name, metadata, labels = codec.write_item(
            sequence, first, (record.id, record.metadata, record.labels)
        )
        if old is not None:
            self._connection.execute(
                "UPDATE items SET metadata = ?, first_entry = ?, entries = ?, update_us = ?, labels = ?"
                " WHERE sequence = ?",
                (metadata, first, count, self._now, labels, sequence),
            )
        else:
            self._connection.execute(
                "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (sequence, name, metadata, first, count, self._now, self._now, labels),
            )
        self._insert_entries(record, first)
        self._connection.execute("DELETE FROM originals WHERE sequence = ?", (sequence,))
        if image:
            kept = codec.write_blob(IMAGE, image, sequence, first)
            self._connection.execute("INSERT INTO originals VALUES (?, ?)", (sequence, kept))
        record_sums.add(self._connection, sequence, first, count)
        if request_id:
            self._connection.execute(
                "INSERT INTO requests (request_id, id, digest) VALUES (?, ?, ?)",
                (codec.name(request_id), name, codec.digest(digest)),
            )
        self.draft.put(record.id, sequence, record.metadata, record.labels, record.rows(first))
        self.changed = True

    def is_hidden(self, item: str, held: Held) -> bool:
        """Whether there is an item of that id that who holds these labels does not see."""
        if held is None:
            return False
        old = self._stored(item)
        return old is not None and not shown(held, old.labels)

    def delete(self, item: str, held: Held = None) -> bool:
        """Takes the item and all it holds out; False where there is none of that id for who holds these
        labels.
        """
        old = self._stored(item)
        if old is None or not shown(held, old.labels):
            return False
        self._delete(old)
        return True

    def delete_at(self, sequence: int) -> None:
        """Takes out the item at a place in the order of first writing."""
        old = self._stored(sequence, "sequence")
        if old is not None:
            self._delete(old)

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

    def _stored(self, value: str | int, column: str = "id") -> _Stored | None:
        """The item of an id, or at a place."""
        metadata = "metadata" if self._codec.whole else "x''"
        row = self._connection.execute(
            f"SELECT sequence, first_entry, entries, id, {metadata}, labels FROM items WHERE {column} = ?",
            (self._codec.name(value) if isinstance(value, str) else value,),
        ).fetchone()
        if row is None:
            return None
        sequence, first, entries, *columns = row
        _, _, labels = self._codec.read_item(sequence, first, (columns[0], columns[1], columns[2]))
        return _Stored(sequence, first, entries, labels)

    def _delete(self, old: _Stored) -> None:
        self._delete_entries(old)
        self._connection.execute("DELETE FROM items WHERE sequence = ?", (old.sequence,))
        self._connection.execute("DELETE FROM originals WHERE sequence = ?", (old.sequence,))
        record_sums.remove_item(self._connection, old.sequence)
        self.changed = self.removed = True

    def _delete_entries(self, old: _Stored) -> None:
        first, end = old.first_entry, old.first_entry + old.entries
        self.removed = True
        self.draft.remove(first)
        self._connection.execute("DELETE FROM entries WHERE entry >= ? AND entry < ?", (first, end))
        self._connection.execute("DELETE FROM graphs WHERE entry >= ? AND entry < ?", (first, end))
        record_sums.remove_entries(self._connection, first, end)

    def _insert_entries(self, record: Packed, first: int) -> None:
        self._connection.executemany(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (entry, modality, ordinal, text, *size, code, embedding)
                for entry, modality, ordinal, size, (text, code, embedding) in zip(
                    range(first, first + len(record.texts)),
                    record.modalities,
                    record.ordinals,
                    record.sizes,
                    self._written(record, first),
                    strict=True,
                )
            ),
        )
        self._connection.executemany(
            "INSERT INTO graphs VALUES (?, ?)",
            (
                (entry, self._codec.write_blob(GRAPH, graph, entry))
                for entry, graph in enumerate(record.graphs, first)
                if graph is not None
            ),
        )

    def _written(self, record: Packed, first: int) -> Iterator[EntryParts]:
        parts = zip(record.texts, record.codes, record.embeddings, strict=True)
        for entry, (text, code, embedding) in enumerate(parts, first):
            yield self._codec.write_entry(entry, (text, code.tobytes(), embedding.tobytes()))
