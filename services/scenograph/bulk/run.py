"""A run: the shards that are not finished go to workers; the ledger is kept; what happened is summed up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from scenograph.bulk.cluster import cluster, sent_by_workers
from scenograph.bulk.ledger import Ledger
from scenograph.bulk.records import Shard
from scenograph.bulk.sending import GaveUp, Target

ROUND = 256
"""Shards handed to Ray at a time: they are in its memory until they are done."""

Tell = Callable[[int, int | None], object]
"""Records dealt with over all runs, and of how many, where that is known."""


@dataclass(frozen=True, slots=True)
class Summary:
    """All runs together: shards, those finished and those that could not be read to their end (why, by name);
    records stored, of them known already, and rejected. `seconds` and `sent` are of this run alone.
    """

    shards: int
    finished: int
    broken: dict[str, str]
    stored: int
    replayed: int
    rejected: int
    sent: int
    seconds: float
    report: str

    @property
    def whole(self) -> bool:
        """Whether every record is stored."""
        return self.finished == self.shards and not self.rejected


def run(
    shards: Sequence[Shard], target: Target, ledger: Ledger, *, workers: int, address: str = "", tell: Tell
) -> Summary:
    """Sends what is not sent, with so many workers; `address` is that of a Ray cluster.

    Errors: GaveUp (the ledger has what was sent until then).
    """
    began, broken = time.monotonic(), dict[str, str]()
    sent = 0
    total = _total(shards)
    done = sum(ledger.shards[shard.id].upto for shard in shards if shard.id in ledger.shards)
    tell(done, total)
    left = [shard for shard in shards if not (shard.id in ledger.shards and ledger.shards[shard.id].end)]
    names = {shard.id: shard.name for shard in left}
    skips = {key: progress.upto for key, progress in ledger.shards.items()}
    try:
        if left:
            with cluster(address, workers):
                waiting = iter(left)
                while part := list(islice(waiting, ROUND)):
                    for each in sent_by_workers(part, skips, target, workers=workers):
                        added = ledger.add(each)
                        done, sent = done + added, sent + added
                        tell(done, total)
                        if each.broken:
                            broken[names[each.shard]] = each.broken
                        if each.stopped:
                            raise GaveUp(each.stopped)
    finally:
        report = ledger.write_rejected()
    known = [ledger.shards[shard.id] for shard in shards if shard.id in ledger.shards]
    return Summary(
        shards=len(shards),
        finished=sum(progress.end for progress in known),
        broken=broken,
        stored=sum(progress.stored for progress in known),
        replayed=sum(progress.replayed for progress in known),
        rejected=sum(progress.rejected for progress in known),
        sent=sent,
        seconds=time.monotonic() - began,
        report=str(report),
    )


def _total(shards: Sequence[Shard]) -> int | None:
    total = 0
    for shard in shards:
        if shard.records is None:
            return None
        total += shard.records
    return total
