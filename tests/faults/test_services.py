"""Services of a split deployment that are killed and come back, and one whose model is slow."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from scenograph.client import errors
from tests.faults.conftest import Parts
from tests.faults.load import FIXED, Load, connected, search
from tests.faults.servers import Restartable


def test_one_of_two_replicas_is_killed(parts: Parts) -> None:
    """The other takes its calls; those under way are tried again, since encoding changes nothing."""
    encoder = parts.apart.services["encoder-1"]
    note = "encoder calls are tried again at the other replica"
    with Load(parts.address, parts.fixed, "one of two encoders killed (kill -9)", note=note) as load:
        load.more(writes=10, searches=10)
        with load.failing():
            encoder.kill()
            load.more(writes=20, searches=40)
            encoder.start()
        load.more(writes=20, searches=20)
    outcome = load.finish()
    assert not outcome.failed_writes and not outcome.failed_searches, load.messages


def test_matching_is_killed(parts: Parts) -> None:
    """Searches end with the stage before and say so; writes need no matching."""
    matching = parts.apart.services["matching"]
    note = "answers without the graph stage, marked degraded"
    with Load(parts.address, parts.fixed, "the only matching service killed (kill -9)", note=note) as load:
        load.more(writes=10, searches=10)
        with load.failing():
            matching.kill()
            load.until(lambda now: now.degraded >= 10)
            matching.start()
        load.more(writes=10, searches=20)
    outcome = load.finish()
    assert not outcome.failed_writes and not outcome.failed_searches, load.messages


def test_the_index_is_killed(parts: Parts) -> None:
    """Nothing can be answered without it; what it had acknowledged is there when it is back."""
    index = parts.apart.services["index"]
    note = "nothing can be answered or stored without the index: UNAVAILABLE until it is back"
    with Load(parts.address, parts.fixed, "the only index killed (kill -9)", note=note) as load:
        load.more(writes=30, searches=30)
        with load.failing():
            index.kill()
            load.until(lambda now: all(sum(counts.values()) > 2 for counts in load.failures().values()))
            index.start()
        load.more(writes=30, searches=30)
    outcome = load.finish()
    assert set(outcome.failed_writes) | set(outcome.failed_searches) <= {"UNAVAILABLE", "DEADLINE_EXCEEDED"}


def test_both_encoders_are_killed(parts: Parts) -> None:
    """Sentences that were asked before are still answered: their embeddings are kept."""
    encoders = [parts.apart.services[name] for name in ("encoder-1", "encoder-2")]
    note = "new sentences cannot be encoded: UNAVAILABLE; kept ones are answered"
    with Load(parts.address, parts.fixed, "both encoders killed (kill -9)", note=note) as load:
        load.more(writes=10, searches=10)
        with load.failing():
            for encoder in encoders:
                encoder.kill()
            load.more(searches=20)
            load.until(lambda now: sum(load.failures()["writes"].values()) > 2)
            with ThreadPoolExecutor() as pool:
                list(pool.map(Restartable.start, encoders))
        load.more(writes=10, searches=10)
    outcome = load.finish()
    assert set(outcome.failed_writes) | set(outcome.failed_searches) <= {"UNAVAILABLE", "DEADLINE_EXCEEDED"}


def test_a_slow_model(parts: Parts) -> None:
    """The encoders hang with their connections open: calls that need them end at their deadline, after some
    of them at once, and others go on.
    """
    encoders = [parts.apart.services[name] for name in ("encoder-1", "encoder-2")]
    note = (
        "calls that need the model end at their deadline, after five of them at once; kept ones are answered"
    )
    with Load(parts.address, parts.fixed, "both encoders hang (SIGSTOP)", writers=1, note=note) as load:
        load.more(writes=10, searches=10)
        with load.failing():
            for encoder in encoders:
                encoder.suspend()
            try:
                with connected(parts.address) as client:
                    began = time.monotonic()
                    with pytest.raises((errors.DeadlineExceeded, errors.Unavailable)):
                        client.search(FIXED, text="a sentence that nobody asked before", timeout=1.0)
                    took = time.monotonic() - began
                    kept = next(iter(parts.fixed.answers))
                    assert [hit.id for hit in search(client, FIXED, kept)] == parts.fixed.answers[kept]
                    assert client.health() == "SERVING"
                load.more(searches=20)
            finally:
                for encoder in encoders:
                    encoder.resume()
        load.more(writes=10, searches=10)
    outcome = load.finish()
    assert took < 5.0  # its own deadline ended it, not the connection's keepalive
    assert set(outcome.failed_writes) | set(outcome.failed_searches) <= {"DEADLINE_EXCEEDED", "UNAVAILABLE"}
