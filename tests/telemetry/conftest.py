"""Servers that are watched: traces to files, metrics over HTTP, logs as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.served import Split

from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client, Item
from scenograph.packs import Pack

COLLECTION = "watched"
ITEMS = ("chelsea", "coffee", "rocket")


def settings(traces: Path) -> dict[str, str]:
    return {
        "SCENOGRAPH_TRACING_EXPORTER": "file",
        "SCENOGRAPH_TRACING_FILE": str(traces),
        "SCENOGRAPH_METRICS_ADDRESS": "127.0.0.1:0",
        "SCENOGRAPH_LOG_FORMAT": "json",
    }


def fill(address: str, items: dict[str, tuple[Path, str]]) -> None:
    with Client(address) as client:
        client.create_collection(COLLECTION)
        given = [Item(id=name, image=items[name][0], texts=[items[name][1]]) for name in ITEMS]
        assert all(status.ok for status in client.ingest(COLLECTION, given))


@pytest.fixture(scope="session")
def watched_split(
    default_pack: Pack, tmp_path_factory: pytest.TempPathFactory, sample_items: dict[str, tuple[Path, str]]
) -> Iterator[Split]:
    """Each service in a process of its own, all watched; `folder` has a file of spans for each."""
    folder = tmp_path_factory.mktemp("watched-split")
    split = Split(folder, common=settings(folder / "{service}.jsonl"))
    try:
        split.start()
        fill(split.address, sample_items)
        yield split
    finally:
        split.stop()


@pytest.fixture(scope="session")
def watched_server(
    default_pack: Pack, tmp_path_factory: pytest.TempPathFactory, sample_items: dict[str, tuple[Path, str]]
) -> Iterator[tuple[ServerProcess, Path]]:
    """All services in one process, watched, and its file of spans."""
    folder = tmp_path_factory.mktemp("watched-server")
    process = ServerProcess(folder, settings=settings(folder / "spans.jsonl"))
    with process as address:
        fill(address, sample_items)
        yield process, folder / "spans.jsonl"
