"""A collection made anew for another pack in a second file, while the first serves; then the switch.

The second file is a collection's like any other, with one more table until the switch: which version of
which item it was made from. What is to be done is the difference of the two files, whatever wrote to the
first meanwhile, and whatever ended an earlier attempt.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from scenograph.index import database
from scenograph.index.access import unpack_labels
from scenograph.index.catalog import Catalog
from scenograph.index.database import errors_named
from scenograph.index.record_sums import SOUND_HEAD, SOUND_IMAGE, SOUND_ITEM
from scenograph.index.records import Packed, pack, to_time
from scenograph.index.sealed import IMAGE, Codec
from scenograph.index.store import Store
from scenograph.index.transaction import Transaction
from scenograph.runtime.contracts import Modality, Record, Source, Unfinished
from scenograph.scene.errors import FailedPrecondition

_MADE_FROM = (
    "CREATE TABLE IF NOT EXISTS made_from (sequence INTEGER PRIMARY KEY, first_entry INTEGER NOT NULL)"
)
_SOURCES = (
    "SELECT sequence, first_entry, entries, id, metadata, labels, create_us, update_us, image,"
    f" {SOUND_ITEM} AND {SOUND_IMAGE}"
    " FROM items LEFT JOIN originals USING (sequence) LEFT JOIN item_sums USING (sequence) WHERE sequence = ?"
)
_REQUESTS = "SELECT request_id, id, digest FROM requests ORDER BY number"
_TEXTS = (
    f"SELECT entry, text, code, embedding, {SOUND_HEAD} FROM entries LEFT JOIN entry_sums USING (entry)"
    " WHERE entry >= ? AND entry < ? AND modality = ? ORDER BY ordinal"
)
_NOT_KEPT = (
    "SELECT count(*) FROM items WHERE sequence NOT IN (SELECT sequence FROM originals)"
    " AND EXISTS (SELECT 1 FROM entries WHERE entry = first_entry AND modality = ?)"
)


def images_not_kept(store: Store) -> int:
    """How many of a collection's items have an image whose file was not kept."""
    with _reading(store) as connection:
        return int(connection.execute(_NOT_KEPT, (int(Modality.IMAGE),)).fetchone()[0])


def unfinished(catalog: Catalog) -> list[Unfinished]:
    """What earlier lives of the process left of collections that were being made anew."""
    found = []
    for name, second in catalog.seconds().items():
        store = catalog.store(name)
        path = store.path.with_name(second.file)
        with errors_named(name), closing(database.open_file(path, name)) as connection:
            done = int(connection.execute("SELECT count(*) FROM items").fetchone()[0])
        since = to_time(second.start_us)
        found.append(Unfinished(name, second.pack_version, done, store.describe().items, since))
    return found


class Second:
    """The second file of a collection. Every method blocks; one call at a time.

    Errors: CollectionNotFound, FailedPrecondition (the collection was replaced meanwhile), DiskFull.
    """

    def __init__(self, catalog: Catalog, collection: str, pack_version: str) -> None:
        self._catalog = catalog
        self._collection = collection
        self._source = catalog.store(collection)
        self.bits = self._source.describe().bits
        self._target = catalog.second(collection, pack_version)
        self._target.write(_prepare)
        self._serves = False

    def close(self) -> None:
        """Lets go of the second file, which stays for another attempt; the collection takes writes again."""
        if not self._serves:
            self._target.close()
            self._catalog.take_writes(self._collection, self._source)

    def discard(self) -> None:
        """The same, and removes the file."""
        self.close()
        self._catalog.forget_second(self._collection)

    def to_do(self) -> tuple[list[int], int]:
        """Places (in the order of first writing) of the items that are to be made, and how many items there
        are; what is no longer in the collection is removed from the second file.
        """
        self._check()
        with _reading(self._source) as connection:
            there: dict[int, int] = dict(connection.execute("SELECT sequence, first_entry FROM items"))
        with _reading(self._target) as connection:
            made: dict[int, int] = dict(connection.execute("SELECT sequence, first_entry FROM made_from"))
        gone = [sequence for sequence in made if sequence not in there]
        if gone:
            self._target.write(lambda transaction: _remove(transaction, gone))
        return sorted(place for place, entry in there.items() if made.get(place) != entry), len(there)

    def read(self, places: Sequence[int]) -> list[Source]:
        """What the items at those places are made of; those deleted since are left out."""
        self._check()
        with _reading(self._source) as connection:
            connection.execute("BEGIN")
            found = [connection.execute(_SOURCES, (place,)).fetchone() for place in places]
            return [_source(connection, self._source.codec, row) for row in found if row is not None]

    def store(self, made: Sequence[tuple[Source, Record]]) -> None:
        """Writes records to the second file, durably."""
        packed = [(source, pack(record, source.metadata)) for source, record in made]
        self._target.write(lambda transaction: _adopt(transaction, packed))

    def stop_writes(self) -> None:
        """Makes writes of the collection wait, for the little that is left to do."""
        self._check()
        self._source.stop_writes()

    def switch(self) -> None:
        """Has the second file serve the collection: at once, durably, and for the writes that wait.

        Call it when there is nothing to do while writes are stopped.
        """
        self._check()
        with _reading(self._source) as connection:
            state = database.read_state(connection)
            requests = connection.execute(_REQUESTS).fetchall()

        def finish(transaction: Transaction) -> None:
            transaction.execute("DROP TABLE made_from")
            transaction.remember(requests)
            transaction.go_on_at(state.next_sequence)

        self._target.write(finish)
        self._catalog.serve_second(self._collection, self._source, self._target)
        self._serves = True

    def _check(self) -> None:
        if self._catalog.store(self._collection) is not self._source:
            raise FailedPrecondition(f"{self._collection!r} was replaced meanwhile; begin again")


def _prepare(transaction: Transaction) -> None:
    transaction.execute(_MADE_FROM)


def _remove(transaction: Transaction, places: Sequence[int]) -> None:
    for place in places:
        transaction.delete_at(place)
        transaction.execute("DELETE FROM made_from WHERE sequence = ?", (place,))


def _adopt(transaction: Transaction, made: Sequence[tuple[Source, Packed]]) -> None:
    for source, record in made:
        transaction.adopt(record, source)
        transaction.execute(
            "INSERT OR REPLACE INTO made_from VALUES (?, ?)", (source.sequence, source.first_entry)
        )


def _source(connection: sqlite3.Connection, codec: Codec, row: tuple[Any, ...]) -> Source:
    sequence, first, count, item, metadata, labels, created, updated, image, sound = row
    item, metadata, labels = codec.read_item(sequence, first, (item, metadata, labels))
    rows = connection.execute(_TEXTS, (first, first + count, int(Modality.TEXT))).fetchall()
    if not sound or not all(row[-1] for row in rows):
        raise sqlite3.DatabaseError(f"{item!r} is not as it was written")
    texts = tuple(codec.read_entry(entry, tuple(columns))[0] for entry, *columns, _ in rows)
    return Source(
        item,
        codec.read_blob(IMAGE, image, sequence, first) if image else b"",
        texts,
        has_image=len(texts) < count,
        metadata=metadata,
        sequence=sequence,
        first_entry=first,
        create_us=created,
        update_us=updated,
        access_labels=unpack_labels(labels),
    )


@contextmanager
def _reading(store: Store) -> Iterator[sqlite3.Connection]:
    with errors_named(store.name), closing(database.open_file(store.path, store.name)) as connection:
        yield connection
