"""The client over TLS: files, names, what cannot be read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
from tests.authority import Authority
from tests.runtime.test_tls import secured

from scenograph.client import TLS, AsyncClient, Client
from scenograph.client.errors import InvalidInput, Unavailable


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def test_both_clients(authority: Authority) -> None:
    own, user = authority.issue("server", hosts=("gateway.example",)), authority.issue("user")
    tls = TLS(
        ca=authority.file, certificate=user.certificate, key=str(user.key), server_name="gateway.example"
    )

    def ask(address: str, tls: TLS | bool) -> str:
        with Client(address, tls=tls, timeout=10) as client:
            return client.health()

    async with secured(own, str(authority.file)) as server:
        async with AsyncClient(server.address, tls=tls) as client:
            assert await client.health() == "SERVING"
        assert await asyncio.to_thread(ask, server.address, tls) == "SERVING"
        nameless = TLS(ca=authority.file, certificate=user.certificate, key=user.key)
        for wrong in (nameless, True, False):
            with pytest.raises(Unavailable):
                await asyncio.to_thread(ask, server.address, wrong)


def test_what_cannot_be_used(authority: Authority) -> None:
    with pytest.raises(InvalidInput, match=r"/nowhere\.pem: No such file"):
        Client("localhost:1", tls=TLS(ca="/nowhere.pem"))
    with pytest.raises(InvalidInput, match="go together"):
        TLS(certificate=authority.file)
    with pytest.raises(ValueError, match="exclude each other"):
        Client("localhost:1", tls=True, credentials=grpc.ssl_channel_credentials())
