"""Parquet files: a row is a record; columns are its id, its image, its sentences, and its metadata.

An image is the bytes of its file, the path of one (below the Parquet file's folder), or both in a struct
{bytes, path} as Hugging Face's datasets have them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from scenograph.bulk.records import Rejected, Shard, item_of, shard_id, stamp
from scenograph.client import Item

BATCH = 16
"""Rows decoded at a time."""
BUFFER_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns are what. Without an id a row is named by its file and number; `texts` "": the first of
    texts, captions, text and caption that there is.
    """

    id: str = "id"
    image: str = "image"
    texts: str = ""


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Reads one row group (records.Reader). `name` and `first`: what rows without ids are named by."""

    path: Path
    name: str
    group: int
    first: int
    columns: Columns

    def read(self) -> Iterator[Item | Rejected]:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile

        number = self.first
        try:
            with ParquetFile(self.path, buffer_size=BUFFER_BYTES) as file:
                for batch in file.iter_batches(BATCH, row_groups=[self.group]):
                    for row in batch.to_pylist():
                        yield self._record(row, number)
                        number += 1
        except ArrowException as error:
            raise ValueError(f"{self.path} is damaged: {error}") from error

    def _record(self, row: dict[str, Any], number: int) -> Item | Rejected:
        place = f"{self.name}/{number}"
        own = row.pop(self.columns.id, place)
        try:
            if own is None:
                raise ValueError(f"there is no {self.columns.id}")
            image = self._image(row.pop(self.columns.image, None))
            fields = {key: plain(value) for key, value in row.items() if not isinstance(value, bytes)}
            return item_of(str(own), image, fields, self.columns.texts)
        except OSError as error:
            return Rejected(str(own), "UNREADABLE_FILE", str(error))
        except ValueError as error:
            return Rejected(place if own is None else str(own), "INVALID_RECORD", str(error))

    def _image(self, value: Any) -> bytes | None:
        if isinstance(value, Mapping):
            value = value.get("bytes") or value.get("path")
        if isinstance(value, str):
            return (self.path.parent / value).read_bytes()
        if not isinstance(value, bytes | None):
            raise ValueError(f"the image in {self.columns.image!r} is neither bytes nor a path")
        return value or None


def row_group_shards(paths: Mapping[str, Path], columns: Columns) -> Iterator[Shard]:
    """A shard for each row group of the files, by their names below the source.

    Errors: OSError, ValueError (no Parquet file, or one without a column that was named).
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    for name, path in sorted(paths.items()):
        try:
            with ParquetFile(path) as file:
                known = set(file.schema_arrow.names)
                sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
        except ArrowException as error:
            raise ValueError(f"{path} is no Parquet file: {error}") from error
        default = Columns()
        named = {columns.id, columns.image, columns.texts} - {default.id, default.image, default.texts}
        if missing := named - known:
            raise ValueError(f"{path} has no column {min(missing)!r}; it has {', '.join(sorted(known))}")
        first, stem = 0, name.removesuffix(".parquet")
        for group, rows in enumerate(sizes):
            reader = RowGroup(path, stem, group, first, columns)
            told = name if len(sizes) == 1 else f"{name}, row group {group + 1}"
            key = shard_id("rows", name, stamp(path), group, columns.id, columns.image, columns.texts)
            yield Shard(key, told, rows, reader)
            first += rows


def plain(value: Any) -> Any:
    """A value as JSON has it: times as ISO strings, decimals as numbers; None for what is not a number."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value
