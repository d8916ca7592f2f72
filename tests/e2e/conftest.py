"""Servers as users start them, by `scenograph serve`: all services in one process, and one for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client, Item
from scenograph.packs import Pack
from tests.e2e.access import ADMIN, write_principals
from tests.e2e.photos import ITEMS
from tests.served import Split

SERVICES = Split.SERVICES
PHOTOS = "sample-photos"


@dataclass(frozen=True)
class Deployment:
    """Where each service is."""

    addresses: dict[str, str]

    @property
    def gateway(self) -> str:
        return self.addresses["gateway"]


def fill(address: str, items: list[Item] = ITEMS, collection: str = PHOTOS, key: str | None = None) -> None:
    with Client(address, key=key) as client:
        client.create_collection(collection)
        failed = [status for status in client.ingest(collection, items) if not status.ok]
    assert failed == []


@pytest.fixture(scope="session")
def together(server: ServerProcess) -> Deployment:
    """All services in one process, with the sample photographs stored."""
    fill(server.address)
    return Deployment(dict.fromkeys((*SERVICES, "gateway"), server.address))


@pytest.fixture(scope="session")
def apart(split_servers: Split) -> Deployment:
    """One process for each service, with the sample photographs stored."""
    fill(split_servers.address)
    addresses = {name: process.address for name, process in split_servers.services.items()}
    return Deployment({**addresses, "gateway": split_servers.address})


@dataclass(frozen=True)
class Guarded:
    """A server that asks who calls (tests.e2e.access has the callers), and its audit log."""

    process: ServerProcess
    audit: Path

    @property
    def address(self) -> str:
        return self.process.address


@pytest.fixture(scope="session")
def guarded(default_pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """All services in one process, with the sample photographs stored, for callers with credentials."""
    folder = tmp_path_factory.mktemp("guarded")
    write_principals(folder / "principals.toml")
    settings = {
        "SCENOGRAPH_SECURITY_PRINCIPALS": str(folder / "principals.toml"),
        "SCENOGRAPH_AUDIT_FILE": str(folder / "audit.jsonl"),
    }
    process = ServerProcess(folder, settings=settings)
    with process as address:
        fill(address, key=ADMIN.key)
        yield Guarded(process, folder / "audit.jsonl")


@pytest.fixture(scope="session")
def channel(together: Deployment) -> Iterator[grpc.Channel]:
    """A bare channel to the server that has all services."""
    options = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(together.gateway, options) as channel:
        yield channel


@pytest.fixture(scope="session")
def client(together: Deployment) -> Iterator[Client]:
    """A client of the server that has all services."""
    with Client(together.gateway) as client:
        yield client
