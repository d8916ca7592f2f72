"""The states of packs and re-encodings -> scenograph.v1."""

from __future__ import annotations

from scenograph.admin.app import PackStatus
from scenograph.runtime.converters import time_to_pb
from scenograph.runtime.reencoding import Reencoding
from scenograph.runtime.status import item_status
from scenograph.v1 import admin_pb2 as pb


def status_to_pb(status: PackStatus) -> pb.PackStatus:
    return pb.PackStatus(
        pack=status.pack,
        state=pb.PackState.ValueType(status.state),
        is_default=status.is_default,
        error=item_status(status.error),
        collections=status.collections,
        calls=status.calls,
        change_time=time_to_pb(status.change_time),
    )


def reencoding_to_pb(found: Reencoding) -> pb.Reencoding:
    return pb.Reencoding(
        collection=found.collection,
        pack=found.pack,
        state=pb.ReencodingState.ValueType(found.state),
        done=found.done,
        total=found.total,
        start_time=time_to_pb(found.start_time),
        end_time=time_to_pb(found.end_time),
        error=item_status(found.error),
    )
