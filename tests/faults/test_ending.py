"""Servers that are killed in the middle of work, and servers that are asked to end."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2

from scenograph.client import Item, errors
from tests.e2e.photos import ITEMS
from tests.faults.conftest import Whole
from tests.faults.load import Load, connected
from tests.faults.outcome import Outcome
from tests.faults.sentences import sentences

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def test_kill_under_load(whole: Whole) -> None:
    note = "calls under way when it was killed, and all until it was back"
    with Load(whole.server.address, whole.fixed, "the server killed (kill -9)", note=note) as load:
        load.more(writes=30, searches=30)
        with load.failing():
            whole.server.kill()
            whole.server.start()
        load.more(writes=30, searches=30)
    outcome = load.finish()
    assert set(outcome.failed_writes) | set(outcome.failed_searches) <= {"UNAVAILABLE", "DEADLINE_EXCEEDED"}


def test_kill_during_ingest_loses_nothing_that_was_acknowledged(whole: Whole) -> None:
    """Photographs among sentences in one stream, killed in the middle, then sent again."""
    texts = [Item(id=f"t{n}", texts=[text]) for n, text in enumerate(islice(sentences(5), 300))]
    items = [
        Item(item.id, item.image, item.texts, item.metadata, f"k{item.id}")
        for item in (*texts[:40], *ITEMS[:6], *texts[40:])
    ]
    acknowledged: list[str] = []
    with connected(whole.server.address) as client:
        client.create_collection("killed")
        with pytest.raises(errors.ScenographError) as cut:
            for status in client.ingest("killed", items):
                assert status.ok
                acknowledged.append(status.item_id)
                if len(acknowledged) == 60:
                    threading.Thread(target=whole.server.kill).start()
    assert 60 <= len(acknowledged) < len(items) and cut.value.code is grpc.StatusCode.UNAVAILABLE
    whole.server.wait()
    whole.server.start()
    with connected(whole.server.address) as client:
        kept = [item.id for page in client.list_items("killed", page_size=100) for item in page]
        assert len(kept) == len(set(kept))
        again = list(client.ingest("killed", items))
        assert all(status.ok for status in again)
        assert {status.item_id for status in again if status.replayed} == set(kept)
        stored = [item.id for page in client.list_items("killed", page_size=100) for item in page]
        assert sorted(stored) == sorted(item.id for item in items)
        found = client.search("killed", text="a motorcycle", returning="image", limit=1)
    outcome = Outcome(
        "the server killed in the middle of an ingest stream (kill -9)",
        writes=len(acknowledged),
        searches=1,
        lost=len(set(acknowledged).difference(kept)),
        wrong=int(found.hits[0].id != "motorcycle_left"),
        failed_writes={"UNAVAILABLE": 1},
        note="the stream; sent again from its start, with the same request ids",
    )
    outcome.check()


def test_drain(whole: Whole) -> None:
    """SIGTERM: health says it first, calls under way are finished, new ones refused, the end is orderly."""
    note = "calls made after health had said NOT_SERVING, until it was started again"
    with grpc.insecure_channel(whole.server.address) as channel, ThreadPoolExecutor(4) as pool:
        watch: Any = channel.unary_stream(
            "/grpc.health.v1.Health/Watch",
            health_pb2.HealthCheckRequest.SerializeToString,
            health_pb2.HealthCheckResponse.FromString,
        )(health_pb2.HealthCheckRequest())
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        with connected(whole.server.address) as client:
            client.create_collection("drained")
        with Load(whole.server.address, whole.fixed, "the server told to end (SIGTERM)", note=note) as load:
            load.more(writes=20, searches=20)
            with load.failing():
                begun, told = threading.Semaphore(0), threading.Event()
                long = [pool.submit(_long_call, whole, number, begun, told) for number in range(4)]
                for _ in long:
                    assert begun.acquire(timeout=60)
                whole.server.send(signal.SIGTERM)
                assert next(watch).status == NOT_SERVING
                told_at = time.monotonic()
                told.set()
                assert [future.result(60) for future in long] == [100] * 4
                assert whole.server.wait() == 0
                whole.server.stop()
                whole.server.start()
            load.more(writes=20, searches=20)
        watch.cancel()
    outcome = load.finish()
    assert set(outcome.failed_writes) | set(outcome.failed_searches) <= {"UNAVAILABLE"}, load.messages
    if load.first_failure is not None:
        assert load.first_failure >= told_at
    with connected(whole.server.address) as client:
        kept = [item.id for page in client.list_items("drained", page_size=200) for item in page]
    assert len(kept) == len(set(kept)) == 400


def _long_call(whole: Whole, number: int, begun: threading.Semaphore, told: threading.Event) -> int:
    """A stream that is under way when the server is told to end, and goes on; how many items it stored."""

    def items() -> Iterator[Item]:
        for n, text in enumerate(islice(sentences(900 + number), 100)):
            if n == 50:
                told.wait(60)
            yield Item(id=f"d{number}-{n}", texts=[text])

    stored = 0
    with connected(whole.server.address, 60) as client:
        for status in client.ingest("drained", items()):
            stored += status.ok
            if stored == 1:
                begun.release()
    return stored
