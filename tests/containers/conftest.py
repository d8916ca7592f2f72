"""Images and deployments. Nothing here runs but by `make test-containers`, which sets TEST_CONTAINERS."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scenograph.cli.server_process import ServerProcess
from tests.containers.bases import Bases, bases
from tests.containers.composed import Composed
from tests.containers.docker import build, docker
from tests.deploy.tools import DEPLOY, DOCKERFILE, SERVICES
from tests.e2e.conftest import fill
from tests.support import ROOT

if not os.environ.get("TEST_CONTAINERS"):
    collect_ignore_glob = ["test_*.py"]

TARGETS = ("index", *(name for name in SERVICES if name != "index"), "all")
REGISTRY, VERSION = "scenograph-built", "tested"


@pytest.fixture(scope="session")
def beside() -> Bases:
    return bases()


@pytest.fixture(scope="session")
def images(beside: Bases) -> dict[str, str]:
    """Every image of the Dockerfile, built: target -> its name."""
    names = {target: f"{REGISTRY}/{target}:{VERSION}" for target in TARGETS}
    for target, name in names.items():
        build(DOCKERFILE, target, name, ROOT, BASE=beside.python, BUILD_BASE=beside.build, VERSION=VERSION)
    return names


@pytest.fixture(scope="session")
def environment(beside: Bases, images: dict[str, str]) -> dict[str, str]:
    """What compose.yaml is told: which images."""
    return {
        "IMAGE_REGISTRY": REGISTRY,
        "IMAGE_VERSION": VERSION,
        "REDIS_IMAGE": beside.redis,
        "PROMETHEUS_IMAGE": beside.prometheus,
    }


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    subprocess.run([DEPLOY / "secrets.sh", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def together(environment: dict[str, str], secrets: Path) -> Iterator[Composed]:
    """All services in one container, with the sample photographs."""
    deployed = Composed(f"scenograph-together-{os.getpid()}", ("all",), secrets, environment)
    try:
        fill(deployed.start().address)
        yield deployed
    finally:
        deployed.down()


@pytest.fixture(scope="session")
def split(environment: dict[str, str], secrets: Path) -> Iterator[Composed]:
    """A container for each service, Redis and Prometheus, with the sample photographs."""
    services = (*SERVICES, "redis", "prometheus")
    deployed = Composed(f"scenograph-split-{os.getpid()}", services, secrets, environment)
    try:
        fill(deployed.start().address)
        yield deployed
    finally:
        deployed.down()


@pytest.fixture(scope="session")
def outside(images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A process of this machine with the images' pack and the sample photographs."""
    folder = tmp_path_factory.mktemp("outside")
    container = docker("create", images["all"])
    try:
        docker("cp", f"{container}:/opt/packs", folder)
    finally:
        docker("rm", "--volumes", container)
    process = ServerProcess(folder, settings={"SCENOGRAPH_PACKS": str(folder / "packs")})
    with process as address:
        fill(address)
        yield process


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads
