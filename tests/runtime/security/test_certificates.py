"""Callers who show who they are by the certificate of their connection, over real mutual TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from tests.runtime.security.certificates import Authority, Pair

from scenograph.runtime.interceptors.around import wrapped
from scenograph.runtime.interceptors.errors import Errors
from scenograph.runtime.interceptors.guard import Guard
from scenograph.runtime.principal import Role, current
from scenograph.runtime.security.auditor import Auditor
from scenograph.runtime.security.authentication import Authenticator
from scenograph.runtime.security.keys import key_digest
from scenograph.runtime.security.principals import parse_principals
from scenograph.runtime.security.rules import RULES, Rule
from scenograph.runtime.security.watched import Watched
from scenograph.runtime.settings import AnomalySettings
from scenograph.runtime.telemetry.metrics import Metrics

METHOD = "/scenograph.test.Probe/Who"
FILE = f"""
[[principal]]
name = "by-other-name"
certificate = ["web.example"]
roles = {{"*" = "reader"}}
[[principal]]
name = "by-common-name"
certificate = ["batch"]
roles = {{"*" = "reader"}}
[[principal]]
name = "by-key"
key_sha256 = ["{key_digest("sg_key")}"]
roles = {{"*" = "reader"}}
"""


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def address(authority: Authority, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A server that wants a certificate of its authority from everybody, and tells them who they are."""
    monkeypatch.setitem(RULES, METHOD, Rule(Role.READER))
    (tmp_path / "principals.toml").write_text(FILE)
    authenticator = Authenticator(Watched(tmp_path / "principals.toml", parse_principals))
    guard = Guard(authenticator, Auditor(), AnomalySettings(), Metrics())

    async def who(request: StringValue, context: object) -> StringValue:
        return StringValue(value=current().name)

    handler: Any = grpc.unary_unary_rpc_method_handler(
        who, StringValue.FromString, StringValue.SerializeToString
    )
    server = grpc.aio.server()
    handlers = {"Who": wrapped(handler, METHOD, (Errors(), guard))}
    server.add_registered_method_handlers("scenograph.test.Probe", handlers)
    own = authority.vouch("server", ["localhost"])
    credentials = grpc.ssl_server_credentials(
        [(own.key, own.certificate)], authority.certificate, require_client_auth=True
    )
    port = server.add_secure_port("localhost:0", credentials)
    await server.start()
    yield f"localhost:{port}"
    await server.stop(None)


async def asked(address: str, authority: Authority, pair: Pair, key: str = "") -> str:
    """Who the server says one is; else the name of the status."""
    credentials = grpc.ssl_channel_credentials(authority.certificate, pair.key, pair.certificate)
    metadata = (("authorization", f"Bearer {key}"),) if key else ()
    async with grpc.aio.secure_channel(address, credentials) as channel:
        call: Any = channel.unary_unary(
            METHOD, StringValue.SerializeToString, StringValue.FromString
        )(StringValue(), metadata=metadata, timeout=20)  # fmt: skip
        try:
            return str((await call).value)
        except grpc.aio.AioRpcError as error:
            return error.code().name


async def test_who_a_certificate_makes_one(address: str, authority: Authority) -> None:
    assert await asked(address, authority, authority.vouch("x", ["web.example"])) == "by-other-name"
    assert await asked(address, authority, authority.vouch("x", ["a", "web.example"])) == "by-other-name"
    assert await asked(address, authority, authority.vouch("batch")) == "by-common-name"


async def test_who_it_does_not(address: str, authority: Authority) -> None:
    assert await asked(address, authority, authority.vouch("nobody")) == "UNAUTHENTICATED"
    # Where there are other names, the common name does not count: that is how certificates are read today.
    assert await asked(address, authority, authority.vouch("batch", ["nobody"])) == "UNAUTHENTICATED"
    other = Authority().vouch("batch")
    assert await asked(address, authority, other) == "UNAVAILABLE"  # there is no connection


async def test_a_key_counts_before_the_certificate(address: str, authority: Authority) -> None:
    pair = authority.vouch("batch")
    assert await asked(address, authority, pair, "sg_key") == "by-key"
    assert await asked(address, authority, pair, "sg_wrong") == "UNAUTHENTICATED"
