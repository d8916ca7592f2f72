"""What the admin service answers with: packs and re-encodings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from scenograph.client.errors import ScenographError, from_status
from scenograph.v1 import admin_pb2, common_pb2


@dataclass(frozen=True, slots=True)
class LoadedPack:
    """A pack in a server's memory, by its id "name@version".

    `state`: LOADING, READY, FAILED (`error` says why) or UNLOADING. `calls` are under way on it,
    `collections` hold its codes.
    """

    pack: str
    state: str
    is_default: bool
    collections: tuple[str, ...]
    calls: int
    change_time: datetime
    error: ScenographError | None = None


@dataclass(frozen=True, slots=True)
class Reencoding:
    """How far a collection's re-encoding to a pack is, in items.

    `state`: RUNNING, DONE, FAILED (`error` says why), CANCELLED or INTERRUPTED (by the server's end).
    """

    collection: str
    pack: str
    state: str
    done: int
    total: int
    start_time: datetime
    end_time: datetime | None = None
    error: ScenographError | None = None


def loaded_pack(message: admin_pb2.PackStatus) -> LoadedPack:
    return LoadedPack(
        pack=message.pack,
        state=admin_pb2.PackState.Name(message.state).removeprefix("PACK_STATE_"),
        is_default=message.is_default,
        collections=tuple(message.collections),
        calls=message.calls,
        change_time=message.change_time.ToDatetime(tzinfo=UTC),
        error=_error(message.error),
    )


def reencoding(message: admin_pb2.Reencoding) -> Reencoding:
    ended = message.end_time.ToDatetime(tzinfo=UTC) if message.HasField("end_time") else None
    return Reencoding(
        collection=message.collection,
        pack=message.pack,
        state=admin_pb2.ReencodingState.Name(message.state).removeprefix("REENCODING_STATE_"),
        done=message.done,
        total=message.total,
        start_time=message.start_time.ToDatetime(tzinfo=UTC),
        end_time=ended,
        error=_error(message.error),
    )


def _error(status: common_pb2.ItemStatus) -> ScenographError | None:
    return from_status(status.code, status.reason, status.message, status.field) if status.code else None
