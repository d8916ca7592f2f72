"""Ray Data: shards go to workers, on this machine or a cluster's; what they sent comes back as they go."""

from __future__ import annotations

import logging
import os
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

from scenograph.bulk.records import Shard
from scenograph.bulk.sending import Target
from scenograph.bulk.work import Sent, send_shard

STORE_BYTES = 80 * 1024 * 1024
"""Ray's shared memory on this machine: shards' descriptions and results pass through it, no images."""


@contextmanager
def cluster(address: str, workers: int) -> Iterator[None]:
    """A Ray cluster's use: the one at an address, else one of this machine that lasts as long as this.

    Ray's own is reached over the loopback alone, and reports nothing to anybody.
    Errors: ConnectionError.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not address:
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # Ray's name for more than loopback
    import ray

    ray.init(
        address or "local",
        num_cpus=None if address else workers,
        object_store_memory=None if address else STORE_BYTES,
        include_dashboard=None if address else False,
        log_to_driver=False,
        configure_logging=False,
    )
    try:
        with redirect_stdout(sys.stderr):  # where Ray would print what happens to its workers
            yield
    finally:
        ray.shutdown()


def sent_by_workers(
    shards: Sequence[Shard], skips: Mapping[str, int], target: Target, *, workers: int
) -> Iterator[Sent]:
    """What became of the shards, a stretch at a time, as `workers` send them at once.

    A worker that dies is replaced, and its shard sent anew. Inside `cluster`.
    """
    import ray.data
    from ray.data import DataContext, TaskPoolStrategy

    logging.getLogger("ray.data").setLevel(logging.ERROR)  # Ray Data's progress is told by who asks
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = 1  # a stretch is told when it is sent, not when its shard is
    rows = [
        {"work": pickle.dumps((shard, skips.get(shard.id, 0), target, number))}
        for number, shard in enumerate(shards)
    ]
    sending = ray.data.from_items(rows, override_num_blocks=len(rows)).flat_map(
        _work, num_cpus=1, compute=TaskPoolStrategy(size=workers)
    )
    for row in sending.iter_rows():
        yield pickle.loads(row["sent"])


def _work(row: dict[str, Any]) -> Iterator[dict[str, bytes]]:
    for sent in send_shard(*pickle.loads(row["work"])):
        yield {"sent": pickle.dumps(sent)}
