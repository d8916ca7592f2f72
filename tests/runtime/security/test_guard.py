"""The guard around real calls: who is let in, for whom, how often, and what is written down of it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.runtime.probe import KINDS, NAME, Behaviour, Probe, register

from scenograph.runtime.interceptors.guard import Guard
from scenograph.runtime.principal import SYSTEM, Principal, Role, current
from scenograph.runtime.security.audit.log import AuditLog
from scenograph.runtime.security.audit.verify import verify
from scenograph.runtime.security.auditor import Auditor
from scenograph.runtime.security.authentication import Authenticator
from scenograph.runtime.security.forwarding import HEADER, encode
from scenograph.runtime.security.keys import key_digest
from scenograph.runtime.security.principals import parse_principals
from scenograph.runtime.security.rules import RULES, Rule
from scenograph.runtime.security.watched import Watched
from scenograph.runtime.server import Server, ServerOptions
from scenograph.runtime.settings import AnomalySettings
from scenograph.runtime.status import from_rpc_error
from scenograph.runtime.telemetry.metrics import Metrics
from scenograph.scene.errors import (
    PermissionDenied,
    QuotaExceeded,
    ScenographError,
    Unauthenticated,
    Unavailable,
)

SERVICE_KEY = "sg_shared"
FILE = f"""
[[principal]]
name = "reader"
key_sha256 = ["{key_digest("sg_reader")}"]
roles = {{photos = "reader"}}
quota = {{concurrent = 2}}
[[principal]]
name = "writer"
key_sha256 = ["{key_digest("sg_writer")}"]
roles = {{photos = "writer"}}
[[principal]]
name = "gateway"
key_sha256 = ["{key_digest("sg_gateway")}"]
roles = {{"*" = "admin"}}
labels = "*"
service = true
[[principal]]
name = "slow"
key_sha256 = ["{key_digest("sg_slow")}"]
roles = {{photos = "reader"}}
quota = {{calls_per_s = 0.001, burst = 2}}
"""


@pytest.fixture(autouse=True)
def probe_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe's requests name a collection, as a string: `value`."""
    for kind in KINDS:
        monkeypatch.setitem(RULES, f"/{NAME}/{kind}", Rule(Role.READER, "value", empty=None, ids="value"))
    monkeypatch.setitem(RULES, f"/{NAME}/UU", Rule(Role.WRITER, "value", ids="value"))


async def who(text: str, context: object) -> str:
    return current().name


class Guarded:
    """A server with a guard. `probe` calls it as somebody."""

    def __init__(self, folder: Path, asks: bool, **anomalies: Any) -> None:
        (folder / "principals.toml").write_text(FILE)
        self.metrics = Metrics()
        self.log = AuditLog(folder / "audit.jsonl", self.metrics)
        self.path = folder / "audit.jsonl"
        principals = Watched(folder / "principals.toml", parse_principals) if asks else None
        authenticator = Authenticator(principals, service_key=SERVICE_KEY)
        settings = AnomalySettings(**anomalies)
        self.guard = Guard(authenticator, Auditor(self.log), settings, self.metrics)
        self.probe: Probe

    async def call(
        self, key: str, kind: str = "US", text: str = "photos", forwarded: Principal | None = None
    ) -> list[str]:
        metadata: Any = [("authorization", f"Bearer {key}")] if key else []
        if forwarded is not None:
            metadata.append((HEADER, encode(forwarded)))
        try:
            return (await self.probe.call(kind, text, metadata=tuple(metadata), timeout=20))[0]
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None

    def events(self) -> list[dict[str, Any]]:
        """What was written down; the log takes nothing more."""
        self.log.close()
        assert verify(self.path).problems == []
        return [json.loads(line) for line in self.path.read_bytes().splitlines()]

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"scenograph_{name}_total", labels) or 0.0


@asynccontextmanager
async def guarded(
    folder: Path, behaviour: Behaviour = who, *, asks: bool = True, **anomalies: Any
) -> AsyncIterator[Guarded]:
    made = Guarded(folder, asks, **anomalies)
    server = Server([NAME], ServerOptions(), metrics=made.metrics, guard=made.guard)
    await server.start()
    server.add(register(behaviour))
    await server.ready()
    try:
        async with grpc.aio.insecure_channel(server.address) as channel:
            made.probe = Probe(channel)
            yield made
    finally:
        await server.stop()
        made.log.close()


@pytest.fixture
def access_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, "scenograph.access"):
        yield caplog


@pytest.mark.parametrize("kind", KINDS)
async def test_who_is_let_in(tmp_path: Path, kind: str, access_log: pytest.LogCaptureFixture) -> None:
    async with guarded(tmp_path) as server:
        assert await server.call("sg_writer", kind) == ["writer"]
        assert access_log.records[-1].__dict__["principal"] == "writer"
        for key in ("", "sg_wrong", "sg_writer ", "writer", key_digest("sg_writer")):
            with pytest.raises(Unauthenticated):
                await server.call(key, kind)
        for text in ("private", "", "*", "photos2", "Photos"):
            with pytest.raises(PermissionDenied, match="needs the role"):
                await server.call("sg_writer", kind, text)
    assert current() is SYSTEM
    assert server.counted("refused_calls", reason="unauthenticated") == 5
    assert server.counted("refused_calls", reason="denied") == 5


async def test_other_kinds_of_authorization_are_refused(tmp_path: Path) -> None:
    async with guarded(tmp_path) as server:
        for given in ("Basic sg_writer", "sg_writer", "bearer sg_writer", "Bearer"):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await server.probe.call("US", "photos", metadata=(("authorization", given),))
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_role_too_low_and_a_method_without_a_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with guarded(tmp_path) as server:
        with pytest.raises(PermissionDenied, match="role writer in collection 'photos'"):
            await server.call("sg_reader", "UU")
        monkeypatch.delitem(RULES, f"/{NAME}/US")
        for key in ("sg_reader", "sg_writer", "sg_gateway", SERVICE_KEY):
            with pytest.raises(PermissionDenied, match="has no rule"):
                await server.call(key)
        with pytest.raises(Unauthenticated):
            await server.call("")


async def test_each_message_of_a_stream_is_checked(tmp_path: Path) -> None:
    seen: list[str] = []

    async def note(text: str, context: object) -> str:
        seen.append(text)
        return text

    async with guarded(tmp_path, note) as server:
        stream: Any = server.probe.channel.stream_stream(f"/{NAME}/SS")
        wire = [b"\n\x06photos", b"", b"\n\x06secret", b"\n\x06photos"]  # the second: as before
        call = stream(iter(wire), metadata=(("authorization", "Bearer sg_reader"),))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in call:
                pass
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert seen == ["photos", ""]


async def test_a_service_says_for_whom_it_calls(tmp_path: Path) -> None:
    user = Principal("jwt:alice", {"photos": Role.READER}, frozenset(("staff",)))
    held: list[frozenset[str] | None] = []

    async def labels(text: str, context: object) -> str:
        held.append(current().labels)
        return current().name

    async with guarded(tmp_path, labels) as server:
        for key in ("sg_gateway", SERVICE_KEY):
            assert await server.call(key, forwarded=user) == ["jwt:alice"]
            with pytest.raises(PermissionDenied, match="jwt:alice"):
                await server.call(key, "UU", forwarded=user)
            with pytest.raises(PermissionDenied):
                await server.call(key, text="private", forwarded=user)
        assert await server.call("sg_gateway", "UU", "anything") == ["gateway"]
        assert await server.call(SERVICE_KEY, "UU", "anything") == ["service"]
        assert held == [{"staff"}, {"staff"}, None, None]
        lines = server.events()
    ours = [one for one in lines if one.get("by") == "gateway"]
    assert {one["principal"] for one in ours} == {"jwt:alice"}


async def test_nobody_else_may_say_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = Principal("root", {"*": Role.ADMIN}, None)
    async with guarded(tmp_path) as server:
        assert await server.call("sg_writer", forwarded=root) == ["writer"]
        with pytest.raises(PermissionDenied, match="'reader' needs"):
            await server.call("sg_reader", "UU", forwarded=root)
        with pytest.raises(Unauthenticated):
            await server.call("", forwarded=root)
        lines = server.events()
    assert [one["who"] for one in lines if one["event"] == "anomaly"] == ["writer", "reader"]
    assert server.counted("anomalies", kind="forged_principal") == 2 and "forged_principal" in caplog.text


async def test_where_nobody_is_asked_everybody_is_the_system_itself(tmp_path: Path) -> None:
    async with guarded(tmp_path, asks=False) as server:
        assert await server.call("") == ["system"]
        assert await server.call("sg_wrong", "UU", "anything") == ["system"]
        # A gateway that asks may well use services that do not: they go by what it says.
        reader = Principal("reader", {"photos": Role.READER})
        assert await server.call("", forwarded=reader) == ["reader"]
        with pytest.raises(PermissionDenied):
            await server.call("", "UU", forwarded=reader)


async def test_quotas(tmp_path: Path) -> None:
    entered, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def wait(text: str, context: object) -> str:
        entered.release()
        await go_on.wait()
        return "done"

    async with guarded(tmp_path, wait) as server:
        running = [asyncio.create_task(server.call("sg_reader")) for _ in range(2)]
        for _ in running:
            await asyncio.wait_for(entered.acquire(), 10)
        with pytest.raises(QuotaExceeded, match="2 calls at the same time") as caught:
            await server.call("sg_reader")
        assert caught.value.retry_after_s
        writer = asyncio.create_task(server.call("sg_writer"))  # another's calls are not touched
        await asyncio.wait_for(entered.acquire(), 10)
        running[0].cancel()
        go_on.set()
        assert await running[1] == ["done"] and await writer == ["done"]
        for _ in range(3):  # a cancelled call frees its place too
            assert await server.call("sg_reader") == ["done"]
        for _ in range(2):
            await server.call("sg_slow")
        with pytest.raises(QuotaExceeded, match="calls a second") as caught:
            await server.call("sg_slow")
        assert caught.value.retry_after_s == pytest.approx(1000, rel=0.1)
    assert server.counted("refused_calls", reason="quota") == 2


async def test_what_is_written_down(tmp_path: Path) -> None:
    async def sometimes(text: str, context: object) -> str:
        if text == "photos":
            return text
        raise ScenographError("no") if text == "broken" else ValueError("a secret")

    async with guarded(tmp_path, sometimes) as server:
        await server.call("sg_writer", "UU")
        for text in ("broken", "worse"):
            with pytest.raises(ScenographError):
                await server.call("sg_gateway", "UU", text)
        await server.call("sg_reader")
        for key in ("sg_reader", ""):
            with pytest.raises(ScenographError):
                await server.call(key, "UU")
        lines = server.events()
    told = [(one["event"], one["principal"], one.get("collection", ""), one.get("code", "")) for one in lines]
    assert told == [
        ("begin", "writer", "photos", ""),
        ("end", "writer", "photos", "OK"),
        ("begin", "gateway", "broken", ""),
        ("end", "gateway", "broken", "INTERNAL"),
        ("begin", "gateway", "worse", ""),
        ("end", "gateway", "worse", "INTERNAL"),
        ("call", "reader", "photos", "OK"),
        ("refused", "reader", "photos", "PERMISSION_DENIED"),
        ("refused", "", "", "UNAUTHENTICATED"),
    ]
    first = lines[0]
    assert (first["method"], first["items"], first["count"]) == (f"/{NAME}/UU", ["photos"], 1)
    assert first["peer"].startswith("ipv4:127.0.0.1:") and first["request_id"] == lines[1]["request_id"]
    assert first["time"].endswith("+00:00") and "a secret" not in server.path.read_text()


async def test_a_change_is_on_disk_before_it_is_done_and_its_end_before_the_answer(tmp_path: Path) -> None:
    seen: list[str] = []

    async def look(text: str, context: object) -> str:
        seen.append((tmp_path / "audit.jsonl").read_text())
        return text

    async with guarded(tmp_path, look) as server:
        await server.call("sg_writer", "UU")
        assert '"event":"begin"' in seen[0] and '"event":"end"' not in seen[0]
        assert '"event":"end"' in server.path.read_text()


async def test_without_its_log_nothing_is_changed(tmp_path: Path) -> None:
    done: list[str] = []

    async def change(text: str, context: object) -> str:
        done.append(text)
        return text

    async with guarded(tmp_path, change) as server:
        server.log.close()  # as good as a disk that is full
        with pytest.raises(Unavailable, match="audit log"):
            await server.call("sg_writer", "UU")
    assert done == []


async def test_alarms_are_told_everywhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with guarded(tmp_path, failed_logins=3, burst_calls=4) as server:
        for _ in range(4):
            with pytest.raises(Unauthenticated):
                await server.call("sg_wrong")
            await server.call("sg_reader")
        lines = server.events()
    alarms = [(one["kind"], one["who"], one["count"]) for one in lines if one["event"] == "anomaly"]
    assert alarms == [("failed_logins", "ipv4:127.0.0.1", 3), ("query_burst", "reader", 4)]
    assert server.counted("anomalies", kind="failed_logins") == 1
    assert server.counted("anomalies", kind="query_burst") == 1
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warned) == 2 and warned[0].startswith("failed_logins: ipv4:127.0.0.1, 3 calls with wrong")
