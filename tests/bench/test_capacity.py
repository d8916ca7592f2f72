"""Benchmarks of what a server can take measure what they say: small loads on real servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenograph.bench import cached, overload
from scenograph.bench.collection import COLLECTION, fill
from scenograph.bench.cores import kept_to, processor_seconds, split
from scenograph.bench.echo import CALL, echo_process, write_protoset
from scenograph.bench.load.config import make_config
from scenograph.bench.load.driver import run_load
from scenograph.bench.picture import drawn_picture
from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client

PICTURES = [drawn_picture(number) for number in range(3)]


@pytest.fixture(scope="module")
def searched(server: ServerProcess) -> Iterator[ServerProcess]:
    """A server with a small collection to search."""
    fill(server.address, PICTURES, 6)
    yield server
    with Client(server.address) as client:
        client.delete_collection(COLLECTION)


def test_the_echo_answers(tmp_path: Path) -> None:
    protoset = tmp_path / "echo.protoset"
    write_protoset(protoset)
    with echo_process() as (address, _):
        values = {"call": CALL, "host": address, "insecure": True, "protoset": str(protoset)}
        load = run_load(make_config(values | {"total": 20, "concurrency": 2}))
    assert load.samples.status.tolist() == [0] * 20


def test_cached_searches_beside_the_echo(searched: ServerProcess) -> None:
    assert searched.process is not None
    with echo_process() as (address, pid):
        found = cached.measure(
            cached.Place(searched.address, searched.process.pid),
            cached.Place(address, pid),
            callers=2,
            workers=1,
            seconds=0.5,
            rounds=1,
            cores=os.sched_getaffinity(0),
        )
    for each in (found.search, found.echo):
        assert each.rate > 0 and each.server_ms > 0 and each.p50_ms <= each.p99_ms
    assert found.share == found.search.rate / found.echo.rate


def test_overload_is_refused_with_advice(searched: ServerProcess) -> None:
    found = overload.measure(
        searched.address, callers=8, factor=8.0, seconds=2.0, deadline_s=5.0, rounds=1, degraded=lambda: 0.0
    )
    assert found.peak > 0 and found.goodput > 0 and found.offered > found.peak
    assert found.refused and found.advised == 1.0


def test_cores_are_split_and_given_back() -> None:
    before = os.sched_getaffinity(0)
    servers, callers = split(1)
    assert (servers | callers == before and len(servers) == 1) or servers == callers == before
    with kept_to(servers):
        assert os.sched_getaffinity(0) == servers
    assert os.sched_getaffinity(0) == before
    used = processor_seconds(os.getpid())
    sum(range(3_000_000))
    assert processor_seconds(os.getpid()) >= used > 0


def test_the_collection_has_what_was_asked_for(searched: ServerProcess) -> None:
    with Client(searched.address) as client:
        (found,) = (one for one in client.list_collections() if one.name == COLLECTION)
    assert found.items == 6
