"""A real Milvus for the whole run, and an index on it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.index.make import BITS, PACK
from tests.milvus_server import MilvusProcess, NotInstallable

from scenograph.index.milvus.app import MilvusIndex


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
async def index(milvus: MilvusProcess) -> AsyncIterator[MilvusIndex]:
    """An index on it, with an empty collection "photos" to begin with."""
    app = MilvusIndex(milvus.url)
    await app.start()
    await app.create_collection("photos", PACK, BITS)
    yield app
    await app.close()
