"""Reading items: by id, and in the order of first writing. Everything here blocks.

Where a write is under way, or was never finished, an item has two versions: its newer one is what is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from scenograph.index import checks
from scenograph.index.filters import parse_filter
from scenograph.index.milvus import expressions
from scenograph.index.milvus.collections import Opened
from scenograph.index.milvus.rows import FIELDS, ITEM_FIELDS, Row, newest, part_keys, read_graph, read_record
from scenograph.index.milvus.schema import Kind
from scenograph.index.milvus.server import MilvusServer
from scenograph.runtime.contracts import Modality, Record
from scenograph.runtime.principal import Principal
from scenograph.scene.graph import SceneGraph

ANSWER_BYTES = 16 * 1024 * 1024
SPARE = 32  # rows read beyond a page, for items that have two versions
KEYS = 1000
FIRST = "!"
"""A place before every item's."""


class Reading:
    """Errors: those of MilvusServer."""

    def __init__(self, server: MilvusServer) -> None:
        self._server = server

    def get(
        self, opened: Opened, ids: Sequence[str], brief: bool, principal: Principal
    ) -> tuple[list[Record], list[str]]:
        """The records that exist and may be seen, in the order asked for, and the ids that do not."""
        checks.check_ids(ids)
        wanted = list(dict.fromkeys(ids))
        where = expressions.both(expressions.of_kind(Kind.ITEM), expressions.of_items(wanted))
        rows = newest(self._server.query(opened.stored, where, ITEM_FIELDS))
        seen = {item: row for item, row in rows.items() if principal.sees(row["labels"])}
        records = self._records(opened, [seen[item] for item in wanted if item in seen], brief)
        return records, [item for item in wanted if item not in seen]

    def list_items(
        self,
        opened: Opened,
        after: str,
        until: str,
        size: int,
        filter: str,
        brief: bool,
        principal: Principal,
    ) -> tuple[list[Record], str | None]:
        """At most `size` records whose place is past one and before another; the place to go on after, None
        at the end. Errors: InvalidFilter.
        """
        parsed = parse_filter(filter)
        where = expressions.both(
            expressions.of_kind(Kind.ITEM),
            expressions.visible(principal),
            "" if parsed is None else expressions.passing(parsed),
        )
        page: dict[str, Row] = {}
        start = f"{after}~"  # past all versions of the item there
        while len(page) <= size:
            span = f'pk > "{start}" and pk < "{until}"'
            limit = size + 1 - len(page) + SPARE
            rows = self._server.query(
                opened.stored, expressions.both(where, span), ["pk", *ITEM_FIELDS[1:]], limit=limit
            )
            page = newest([*page.values(), *rows])
            if len(rows) < limit:
                break
            start = str(rows[-1]["pk"])
        found = sorted(page.values(), key=lambda row: str(row["pk"]))
        records = self._records(opened, found[:size], brief)
        more = len(found) > size
        return records, str(found[size - 1]["pk"]).partition(".")[0] if more else None

    def count(self, opened: Opened, kind: str, principal: Principal, filter: str = "") -> int:
        """How many rows of a kind may be seen and pass. Errors: InvalidFilter."""
        parsed = parse_filter(filter)
        passing = "" if parsed is None else expressions.passing(parsed)
        return self._server.count(
            opened.stored, expressions.both(kind, expressions.visible(principal), passing)
        )

    def graphs(self, opened: Opened, keys: Sequence[str]) -> dict[str, SceneGraph | None]:
        """The graphs of entries by their rows' keys; those that are there."""
        rows = list(self._by_key(opened, keys, ["pk", "graph"]))
        parts = self._parts(opened, rows)
        return {str(row["pk"]): read_graph(row, parts) for row in rows}

    def _records(self, opened: Opened, items: Sequence[Row], brief: bool) -> list[Record]:
        entries: dict[tuple[str, int], list[Row]] = {(row["item"], row["write"]): [] for row in items}
        parts: dict[str, str] = {}
        for some in _within(items, ANSWER_BYTES):
            where = expressions.both(
                expressions.of_modality(Modality.UNSPECIFIED),
                expressions.of_items(str(row["item"]) for row in some),
            )
            rows = self._server.query(opened.stored, where, FIELDS[brief])
            of_version = [row for row in rows if (row["item"], row["write"]) in entries]
            for row in of_version:
                entries[row["item"], row["write"]].append(row)
            if not brief:
                parts |= self._parts(opened, of_version)
        made = ((row, entries[row["item"], row["write"]]) for row in items)
        return [read_record(row, found, parts, opened.about) for row, found in made if found]

    def _parts(self, opened: Opened, rows: Iterable[Row]) -> dict[str, str]:
        keys = [key for row in rows for key in part_keys(row)]
        return {str(row["pk"]): str(row["text"]) for row in self._by_key(opened, keys, ["pk", "text"])}

    def _by_key(self, opened: Opened, keys: Sequence[str], fields: Sequence[str]) -> Iterator[Row]:
        for start in range(0, len(keys), KEYS):
            where = f"pk in {expressions.texts(keys[start : start + KEYS])}"
            yield from self._server.query(opened.stored, where, fields)


def _within(items: Sequence[Row], most: int) -> Iterator[list[Row]]:
    """Items in parts whose rows come to about so many bytes."""
    part: list[Row] = []
    size = 0
    for row in items:
        if part and size + row["size"] > most:
            yield part
            part, size = [], 0
        part.append(row)
        size += row["size"]
    if part:
        yield part
