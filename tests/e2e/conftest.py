"""Servers as users start them, by `scenograph serve`: all services in one process, and one for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client, Item
from scenograph.packs import Pack
from tests.e2e.photos import ITEMS

SERVICES = ("visual", "textual", "encoder", "hashing", "matching", "index")
PHOTOS = "photos"


@dataclass(frozen=True)
class Deployment:
    """Where each service is, and the log of the process that has the gateway."""

    addresses: dict[str, str]
    log: Path

    @property
    def gateway(self) -> str:
        return self.addresses["gateway"]


def fill(address: str, items: list[Item] = ITEMS, collection: str = PHOTOS) -> None:
    with Client(address) as client:
        client.create_collection(collection)
        failed = [status for status in client.ingest(collection, items) if not status.ok]
    assert failed == []


@pytest.fixture(scope="session")
def together(default_pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """All services in one process, with the sample photographs stored; its log tells what it imported."""
    server = ServerProcess(tmp_path_factory.mktemp("together"), settings={"PYTHONPROFILEIMPORTTIME": "1"})
    with server as address:
        fill(address)
        yield Deployment(dict.fromkeys((*SERVICES, "gateway"), address), server.log)


@pytest.fixture(scope="session")
def apart(default_pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One process for each service, with the sample photographs stored."""
    with ExitStack() as stack:
        addresses = {
            name: stack.enter_context(ServerProcess(tmp_path_factory.mktemp(name), name)) for name in SERVICES
        }
        settings = {f"SCENOGRAPH_GATEWAY_{name.upper()}_ADDRESS": at for name, at in addresses.items()}
        server = ServerProcess(tmp_path_factory.mktemp("gateway"), "gateway", settings)
        addresses["gateway"] = stack.enter_context(server)
        fill(addresses["gateway"])
        yield Deployment(addresses, server.log)


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
