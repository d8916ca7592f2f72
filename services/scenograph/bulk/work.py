"""What one worker does: reads a shard and sends it, telling after every stretch how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from scenograph.bulk.records import Rejected, Shard
from scenograph.bulk.sending import GaveUp, Sender, Target
from scenograph.client import Item

STRETCH = 64
"""Records after which a worker tells how far it is, and from which a later run goes on."""
SEND_BYTES = 32 * 1024 * 1024
"""Bytes of images that are read and sent together; a stretch is sent in parts where it has more."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A stretch of a shard: how many of its records are dealt with from its beginning, whether it is at its
    end, and what became of the stretch's. `replayed` of the stored were known already.

    `broken`: why the rest cannot be read; `stopped`: why nothing more can be sent.
    """

    shard: str
    upto: int
    end: bool
    stored: int = 0
    replayed: int = 0
    rejected: tuple[Rejected, ...] = ()
    broken: str = ""
    stopped: str = ""


def send_shard(shard: Shard, skip: int, target: Target, number: int) -> Iterator[Sent]:
    """Sends a shard but for its first `skip` records, a multiple of STRETCH: as many stretches each time.

    `number` chooses the gateway to begin with. Nothing is raised: the last stretch says what went wrong.
    """
    upto = skip
    try:
        with Sender(target, number) as sender:
            records = shard.reader.read()
            for _ in islice(records, skip):
                pass
            while True:
                stretch = _send(sender, islice(records, STRETCH))
                upto += stretch.upto
                end = stretch.upto < STRETCH
                yield Sent(shard.id, upto, end, stretch.stored, stretch.replayed, stretch.rejected)
                if end:
                    return
    except GaveUp as error:
        yield Sent(shard.id, upto, end=False, stopped=str(error))
    except Exception as error:
        yield Sent(shard.id, upto, end=False, broken=f"{type(error).__name__}: {error}")


def _send(sender: Sender, records: Iterator[Item | Rejected]) -> Sent:
    """`upto` is how many records there were."""
    count = stored = replayed = 0
    rejected: list[Rejected] = []
    for part in _parts(records):
        items = [record for record in part if isinstance(record, Item)]
        rejected += [record for record in part if isinstance(record, Rejected)]
        statuses = sender.send(items) if items else []
        again = len(items) - len(statuses)  # the same record twice
        good = [status for status in statuses if status.error is None]
        rejected += [
            Rejected(status.item_id, status.error.reason, str(status.error))
            for status in statuses
            if status.error is not None
        ]
        count += len(part)
        stored += len(good) + again
        replayed += sum(status.replayed for status in good) + again
    return Sent("", count, end=False, stored=stored, replayed=replayed, rejected=tuple(rejected))


def _parts(records: Iterator[Item | Rejected]) -> Iterator[list[Item | Rejected]]:
    part: list[Item | Rejected] = []
    size = 0
    for record in records:
        part.append(record)
        size += len(record.image) if isinstance(record, Item) and isinstance(record.image, bytes) else 0
        if size >= SEND_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
