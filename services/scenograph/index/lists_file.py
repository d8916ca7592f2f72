"""Lists on the disk: one file in the folder of the table they were made of, whole or not there."""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec
import numpy as np

from scenograph.index.files import write_whole
from scenograph.index.hamming import gathered
from scenograph.index.lists import Lists
from scenograph.index.table import Table

FORMAT = 1
CRC_BYTES = 4
FILE = "lists"


class _Stored(msgspec.Struct):
    format: int
    rows: int
    centres: bytes
    starts: bytes
    order: bytes
    probes: tuple[tuple[int, int], ...]
    recall: float
    measured: int
    trained: int


def write_lists(folder: Path, lists: Lists) -> None:
    """Keeps the lists. Errors: OSError."""
    payload = msgspec.msgpack.encode(
        _Stored(
            FORMAT,
            lists.rows,
            lists.centres.tobytes(),
            lists.starts.astype("<i8").tobytes(),
            lists.order.astype("<i4").tobytes(),
            lists.probes,
            lists.recall,
            lists.measured,
            lists.trained,
        )
    )
    write_whole(folder / FILE, zlib.crc32(payload).to_bytes(CRC_BYTES, "little") + payload)


def read_lists(table: Table, rows: int) -> Lists | None:
    """A table's lists, where `rows` of its rows are durable; None where there are none that fit it."""
    if table.folder is None:
        return None
    try:
        content = memoryview((table.folder / FILE).read_bytes())
        if zlib.crc32(content[CRC_BYTES:]).to_bytes(CRC_BYTES, "little") != content[:CRC_BYTES]:
            return None
        stored = msgspec.msgpack.decode(content[CRC_BYTES:], type=_Stored)
    except (OSError, msgspec.MsgspecError):
        return None
    if stored.format != FORMAT or stored.rows > rows:
        return None
    order = np.frombuffer(stored.order, "<i4")
    return Lists(
        stored.rows,
        np.frombuffer(stored.centres, np.uint8).reshape(-1, table.bits // 8),
        np.frombuffer(stored.starts, "<i8"),
        order,
        gathered(table.codes.data, order),
        stored.probes,
        stored.recall,
        stored.measured,
        stored.trained,
    )
