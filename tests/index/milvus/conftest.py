"""An index on a real Milvus."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.index.make import BITS, PACK
from tests.milvus_server import UNHURRIED_S, MilvusProcess

from scenograph.index.milvus.app import MilvusIndex


@pytest.fixture(scope="session")
async def index(milvus: MilvusProcess) -> AsyncIterator[MilvusIndex]:
    """An index on it, with an empty collection "photos" to begin with."""
    app = MilvusIndex(milvus.url, timeout_s=UNHURRIED_S)
    await app.start()
    await app.create_collection("photos", PACK, BITS)
    yield app
    await app.close()
