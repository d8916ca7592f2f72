"""TLS and mTLS over real sockets: who is let in, who is not, and certificates that change under load."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from tests.authority import Authority, Pair, channel_to
from tests.redis_process import free_port
from tests.runtime.probe import NAME, Behaviour, Probe, register
from tests.runtime.test_remote_call import RemoteProbe, RepeatingProbe

from scenograph.gateway import renewed
from scenograph.gateway.reaching import Reaching
from scenograph.runtime.certificates import CertificateFiles
from scenograph.runtime.server import Server, ServerOptions
from scenograph.runtime.telemetry.certificate import CertificateExpiry
from scenograph.runtime.telemetry.exposition import Exposition
from scenograph.runtime.telemetry.metrics import Metrics
from scenograph.runtime.tls import server_credentials
from scenograph.scene.errors import Unavailable


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def echo(text: str, context: object) -> str:
    return text


@asynccontextmanager
async def secured(
    own: Pair, client_ca: str = "", behaviour: Behaviour = echo, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Server]:
    """A server of the probe service, as `serve` makes one."""
    files = CertificateFiles(str(own.certificate), str(own.key), client_ca)
    server = Server([NAME], ServerOptions(host=host, port=port), credentials=server_credentials(files))
    await server.start()
    server.add(register(behaviour))
    await server.ready()
    try:
        yield server
    finally:
        await server.stop()


async def refused(channel: grpc.aio.Channel) -> str:
    """Why a call over the channel fails."""
    async with channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await Probe(channel).call("UU", "x", timeout=5)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    return caught.value.details() or ""


def served_to(address: str, authority: Authority, own: Pair | None = None) -> dict[str, Any]:
    """The certificate that a new connection is shown, and the version that was agreed on."""
    context = ssl.create_default_context(cafile=str(authority.file))
    context.set_alpn_protocols(["h2"])
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname=host) as connection:
            found: Any = connection.getpeercert()
            return {"serial": int(found["serialNumber"], 16), "version": connection.version()}


async def test_who_may_not_talk_to_a_server(authority: Authority, tmp_path: Path) -> None:
    own = authority.issue("server")
    foreign = Authority(tmp_path, "foreign")
    async with secured(own) as server:
        async with channel_to(server.address, authority) as channel:
            assert (await Probe(channel).call("SS", "x"))[0] == ["x"]
        assert "CERTIFICATE_VERIFY_FAILED" in await refused(channel_to(server.address, foreign))
        await refused(grpc.aio.insecure_channel(server.address))
        assert served_to(server.address, authority)["version"] == "TLSv1.3"
        with pytest.raises(OSError), pytest.warns(DeprecationWarning):
            older(server.address)


def older(address: str) -> None:
    """A connection by TLS 1.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as plain:
        with context.wrap_socket(plain):
            pass


async def test_a_server_that_has_another_name_or_an_expired_certificate(authority: Authority) -> None:
    named = authority.issue("named", hosts=("elsewhere",))
    async with secured(named) as server:
        assert "elsewhere" not in server.address
        await refused(channel_to(server.address, authority))
        files = CertificateFiles(authorities=str(authority.file))
        remote = RemoteProbe(server.address, Reaching(files, "elsewhere"))
        assert await remote.say("x") == "x"
        await remote.close()
    expired = authority.issue("expired", good_for=timedelta(seconds=-1))
    pair = (expired.key.read_bytes(), expired.certificate.read_bytes())
    late = grpc.aio.server()
    port = late.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    await late.start()
    assert "CERTIFICATE_VERIFY_FAILED" in await refused(channel_to(f"127.0.0.1:{port}", authority))
    await late.stop(None)


async def test_with_authorities_of_clients_each_must_show_a_certificate(
    authority: Authority, tmp_path: Path
) -> None:
    own, caller = authority.issue("server"), authority.issue("caller", hosts=("gateway.example",))
    foreign = Authority(tmp_path, "foreign").issue("forged")
    expired = authority.issue("expired", good_for=timedelta(seconds=-1))
    seen: list[Any] = []

    async def look(text: str, context: grpc.aio.ServicerContext[Any, Any]) -> str:
        seen.append(context.auth_context())
        return text

    async with secured(own, str(authority.file), look) as server:
        for pair in (None, foreign, expired):
            await refused(channel_to(server.address, authority, pair))
        assert seen == []
        async with channel_to(server.address, authority, caller) as channel:
            await Probe(channel).call("UU", "x")
    assert seen[0]["x509_common_name"] == [b"caller"]
    assert seen[0]["x509_subject_alternative_name"] == [b"gateway.example"]
    assert seen[0]["transport_security_type"] == [b"ssl"]


async def test_certificates_change_under_load_and_no_call_fails(authority: Authority) -> None:
    own = authority.issue("server")
    first, seen, answered, enough = own.serial, set[int](), 0, 1 << 30
    done = asyncio.Event()

    def count() -> None:
        nonlocal answered
        answered += 1
        if answered >= enough:
            done.set()

    async def calls() -> None:
        while not done.is_set():
            async with channel_to(server.address, authority) as channel:
                for _ in range(5):
                    await Probe(channel).call("UU", "x", timeout=20)
                    count()

    async def one_long_stream(channel: grpc.aio.Channel) -> None:
        call: Any = channel.stream_stream(
            f"/{NAME}/SS",
            request_serializer=StringValue.SerializeToString,
            response_deserializer=StringValue.FromString,
        )()
        while not done.is_set():
            await call.write(StringValue(value="y"))
            assert (await call.read()).value == "y"
            count()
        await call.done_writing()
        assert await call.code() is grpc.StatusCode.OK

    async with secured(own) as server, channel_to(server.address, authority) as standing:
        work = [*(calls() for _ in range(4)), one_long_stream(standing)]
        running = [asyncio.create_task(one) for one in work]
        for number in range(5):
            new = authority.issue(f"new{number}")
            own.replace_by(new)
            found = await asyncio.to_thread(served_to, server.address, authority)
            assert found["serial"] == new.serial
            seen.add(found["serial"])
        own.certificate.write_text("not a certificate")
        assert (await asyncio.to_thread(served_to, server.address, authority))["serial"] == new.serial
        enough = answered + 50
        await asyncio.gather(*running)
    assert len(seen) == 5 and first not in seen


async def test_callers_follow_their_own_certificate_and_authorities(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway's certificate and the authorities change; the call under way ends, the next shows the new."""
    monkeypatch.setattr(renewed, "LOOK_S", 0.0)
    own, caller = authority.issue("server"), authority.issue("caller")
    serials: list[bytes] = []
    waiting, go_on = asyncio.Event(), asyncio.Event()

    async def look(text: str, context: grpc.aio.ServicerContext[Any, Any]) -> str:
        if text == "wait":
            waiting.set()
            await go_on.wait()
        serials.append(b"".join(context.auth_context()["x509_common_name"]))
        return text

    async with secured(own, str(authority.file), look) as server:
        files = CertificateFiles(str(caller.certificate), str(caller.key), str(authority.file))
        remote = RemoteProbe(server.address, Reaching(files))
        assert await remote.say("a") == "a"
        slow = asyncio.create_task(remote.say("wait"))
        await waiting.wait()
        caller.replace_by(authority.issue("successor"))
        assert [await remote.say("b") for _ in range(3)] == ["b"] * 3
        go_on.set()
        assert await slow == "wait"
        caller.key.unlink()  # what cannot be read changes nothing
        assert await remote.say("c") == "c"
        await remote.close()
    assert serials == [b"caller", *[b"successor"] * 3, b"caller", b"successor"]


async def test_a_caller_without_what_the_server_asks_for_is_told_unavailable(authority: Authority) -> None:
    own = authority.issue("server")
    async with secured(own, str(authority.file)) as server:
        plain = RepeatingProbe(server.address)
        anonymous = RepeatingProbe(
            server.address, Reaching(CertificateFiles(authorities=str(authority.file)))
        )
        for remote in (plain, anonymous):
            with pytest.raises(Unavailable):
                await remote.say("x")
            await remote.close()


async def test_replicas_that_share_a_name(authority: Authority) -> None:
    """Addresses in a list are in no certificate: `tls.server_name` says what is."""
    own, port, hosts = (
        authority.issue("own", hosts=("replicas.example",)),
        free_port(),
        ("127.0.0.2", "127.0.0.3"),
    )
    met: set[str] = set()

    def at(host: str) -> Behaviour:
        async def note(text: str, context: object) -> str:
            met.add(host)
            return text

        return note

    files = CertificateFiles(authorities=str(authority.file))
    target = "ipv4:" + ",".join(f"{host}:{port}" for host in hosts)
    async with (
        secured(own, behaviour=at(hosts[0]), host=hosts[0], port=port),
        secured(own, behaviour=at(hosts[1]), host=hosts[1], port=port),
    ):
        remote = RemoteProbe(target, Reaching(files, "replicas.example"))
        async with asyncio.timeout(20):
            while len(met) < 2:
                assert await remote.say("x") == "x"
        await remote.close()
        nameless = RemoteProbe(target, Reaching(files))
        with pytest.raises(Unavailable):
            await nameless.say("x")
        await nameless.close()


async def test_a_sockets_file_needs_no_encryption(authority: Authority, tmp_path: Path) -> None:
    """The processes of `serve --processes` share a folder that nobody else may enter."""
    own = authority.issue("server")
    async with secured(own, str(authority.file), host=f"unix:{tmp_path}/socket") as server:
        remote = RemoteProbe(server.address, Reaching(CertificateFiles(authorities=str(authority.file))))
        assert await remote.say("x") == "x"
        await remote.close()


def read_metrics(address: str, authority: Authority, own: Pair | None) -> str:
    context = ssl.create_default_context(cafile=str(authority.file))
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    with urllib.request.urlopen(f"https://{address}/metrics", timeout=10, context=context) as answer:
        text: str = answer.read().decode()
        return text


def test_metrics_over_https_follow_the_certificate(authority: Authority) -> None:
    own, reader = authority.issue("server"), authority.issue("prometheus")
    files = CertificateFiles(str(own.certificate), str(own.key), str(authority.file))
    metrics = Metrics()
    CertificateExpiry(files, metrics.registry)
    name = "scenograph_certificate_expiry_timestamp_seconds"
    with closing(Exposition(metrics.registry, "127.0.0.1:0", files)) as exposition:
        host, _, port = exposition.address.rpartition(":")
        with socket.create_connection((host, int(port))):  # says nothing, and is in nobody's way
            assert f'{name}{{serial="{own.serial:X}"}}' in read_metrics(exposition.address, authority, reader)
            with pytest.raises((OSError, urllib.error.URLError)):
                read_metrics(exposition.address, authority, None)
            new = authority.issue("new")
            own.replace_by(new)
            assert f'{name}{{serial="{new.serial:X}"}}' in read_metrics(exposition.address, authority, reader)
            assert served_to(exposition.address, authority, reader)["serial"] == new.serial
            os.truncate(own.certificate, 10)
            assert served_to(exposition.address, authority, reader)["serial"] == new.serial
