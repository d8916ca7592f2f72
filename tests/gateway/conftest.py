"""The gateway over real services of one process, and photographs and sentences to find."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from tests.gateway.harness import PHOTOS, SENTENCES, gateway_with, photo, taken

from scenograph.cli.compose.apps import Apps
from scenograph.cli.compose.loading import begin
from scenograph.cli.compose.process import Process
from scenograph.gateway.app import GatewayApp
from scenograph.gateway.requests import ImageSource, Item
from scenograph.packs import Pack
from scenograph.runtime.settings import load_settings


@pytest.fixture(scope="session")
async def apps(default_pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Apps]:
    """All services in this process, started, over an index of their own."""
    settings = load_settings(
        data_dir=tmp_path_factory.mktemp("data"),
        packs=default_pack.folder.parent.parent,
        pack=default_pack.id,
    )
    async with AsyncExitStack() as closing:
        process = Process(settings, closing)
        apps = await begin(process)
        await process.start()
        yield apps


@pytest.fixture(scope="session")
async def gateway(apps: Apps, tmp_path_factory: pytest.TempPathFactory) -> GatewayApp:
    """The gateway, with `photos`: photographs with captions, and sentences alone. Leave it as it is."""
    gateway = gateway_with(apps, tmp_path_factory.mktemp("uploads"))
    await gateway.collections.create("photos", 0)
    items = [
        Item(name, ImageSource(photo(file)), (caption,), {"kind": "photo", "place": float(place)})
        for place, (name, (file, caption)) in enumerate(PHOTOS.items())
    ]
    items += [Item(f"s{place}", None, (text,), {"kind": "text"}) for place, text in enumerate(SENTENCES)]
    assert taken(await gateway.batch_ingest("photos", items)) == len(items)
    return gateway
