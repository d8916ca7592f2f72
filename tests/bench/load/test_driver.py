"""Loads on real servers, and on a probe that stalls where a fault is wanted."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tests.bench.load.served import HASHING, hashing_server, loaded, probe_protoset
from tests.runtime.probe import KINDS, NAME, probing, register
from tests.support import ROOT

from scenograph.bench.load.config import read_config
from scenograph.bench.load.summary import ghz_report, lateness
from scenograph.runtime.sessions import Sessions
from scenograph.scene.errors import InvalidInput, Unavailable

HASH = ROOT / "deploy" / "ghz" / "hash.json"


@pytest.fixture
def protoset(tmp_path: Path) -> str:
    return probe_protoset(tmp_path)


async def test_a_config_of_deploy_on_a_real_service(sessions: Sessions) -> None:
    values = read_config(HASH) | {"duration": "", "total": 40, "rps": 400}
    del values["host"]
    async with hashing_server(sessions) as address:
        load = await loaded(address, values, workers=2)
    report = ghz_report(load, details=True)
    assert report["count"] == 40 == len(report["details"])
    assert report["statusCodeDistribution"] == {"OK": 40} and report["errorDistribution"] == {}
    assert sum(bucket["count"] for bucket in report["histogram"]) == 40
    assert report["endReason"] == "normal" and report["scenograph"]["measuredFrom"] == "due"
    assert report["fastest"] <= report["average"] <= report["slowest"]
    assert json.loads(json.dumps(report)) == report


async def test_without_a_protoset_the_server_is_asked(sessions: Sessions) -> None:
    values = {"call": f"{HASHING}.Hash", "total": 3, "concurrency": 1, "data": {"bits": 64}}
    async with hashing_server(sessions) as address:
        load = await loaded(address, values)
        with pytest.raises(InvalidInput, match="no method 'Hsah'; it has Hash"):
            await loaded(address, values | {"call": f"{HASHING}.Hsah"})
        with pytest.raises(InvalidInput, match=r"does not know 'a\.B'"):
            await loaded(address, values | {"call": "a.B/C"})
        with pytest.raises(InvalidInput, match="bitz"):
            await loaded(address, values | {"data": {"bitz": 64}})
    report = ghz_report(load)
    assert report["statusCodeDistribution"] == {"InvalidArgument": 3}
    (error,) = report["errorDistribution"]
    assert error.startswith("rpc error: code = InvalidArgument desc = ")
    assert report["errorDistribution"][error] == 3 and report["latencyDistribution"] == []


async def test_a_proto_is_compiled(sessions: Sessions) -> None:
    protos = ROOT / "protos"
    values: dict[str, Any] = {
        "proto": str(protos / "scenograph/v1/hashing.proto"),
        "import-paths": [str(protos)],
    }
    values |= {"call": f"{HASHING}/Hash", "total": 3, "concurrency": 3, "data": read_config(HASH)["data"]}
    async with hashing_server(sessions) as address:
        load = await loaded(address, values)
    assert ghz_report(load)["statusCodeDistribution"] == {"OK": 3}


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Key and certificate of "probe.test"."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on PATH")
    key, made = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=probe"]
    command += ["-addext", "subjectAltName=DNS:probe.test", "-keyout", str(key), "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return key, made


async def test_tls(protoset: str, certificate: tuple[Path, Path]) -> None:
    """A server with a certificate of its own, which the config names."""
    key, made = certificate

    async def behaviour(text: str, context: Any) -> str:
        return text

    server = grpc.aio.server()
    register(behaviour)(server)
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), made.read_bytes())])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    values = {"protoset": protoset, "call": f"{NAME}/UU", "total": 3, "concurrency": 3, "insecure": False}
    try:
        load = await loaded(f"127.0.0.1:{port}", values | {"cacert": str(made), "cname": "probe.test"})
    finally:
        await server.stop(None)
    assert ghz_report(load)["statusCodeDistribution"] == {"OK": 3}


@pytest.mark.parametrize("paced", [False, True])
async def test_each_request_is_made_once(protoset: str, paced: bool) -> None:
    seen: list[str] = []

    async def behaviour(text: str, context: Any) -> str:
        seen.append(text)
        return text

    values: dict[str, Any] = {"protoset": protoset, "call": f"{NAME}/UU", "total": 50, "concurrency": 6}
    values |= {"data": {"value": "{{.RequestNumber}}"}, "rps": 500 if paced else 0}
    async with probing(behaviour) as (server, _):
        load = await loaded(server.address, values | {"connections": 2}, workers=3)
    assert sorted(seen) == sorted(map(str, range(50)))
    assert (load.workers, load.connections) == (3, 3)
    assert ghz_report(load)["statusCodeDistribution"] == {"OK": 50}


async def test_a_stall_is_in_the_latencies_from_due(protoset: str) -> None:
    """One caller, and a server whose first answer takes long: what was due meanwhile has waited."""
    stall_s, rate = 0.6, 50
    calls = Counter[str]()

    async def behaviour(text: str, context: Any) -> str:
        calls["all"] += 1
        if calls["all"] == 1:
            await asyncio.sleep(stall_s)
        return text

    values = {"protoset": protoset, "call": f"{NAME}/UU", "rps": rate, "total": 60, "concurrency": 1}
    async with probing(behaviour) as (server, _):
        load = await loaded(server.address, values)
    samples = load.samples
    assert len(samples.done) == 60
    due_s = samples.due / 1e9
    held = due_s < stall_s
    assert np.count_nonzero(held) >= rate * stall_s
    waited = (samples.from_due / 1e9)[held]
    assert (waited >= stall_s - due_s[held]).all()  # whoever was due in the stall waited for its end
    assert (lateness(load)[held][1:] / 1e9 >= stall_s - due_s[held][1:]).all()  # and was not even sent
    report = ghz_report(load)
    assert report["average"] == report["scenograph"]["fromDue"]["average"]
    assert report["average"] > report["scenograph"]["fromSent"]["average"]


async def test_async_sends_when_it_is_due(protoset: str) -> None:
    """No answer comes before all requests are there: with one caller none but the first would be."""
    arrived = 0
    all_there = asyncio.Event()

    async def behaviour(text: str, context: Any) -> str:
        nonlocal arrived
        arrived += 1
        if arrived == 20:
            all_there.set()
        await all_there.wait()
        return text

    values = {"protoset": protoset, "call": f"{NAME}/UU", "rps": 100, "total": 20, "concurrency": 1}
    async with probing(behaviour) as (server, _):
        load = await loaded(server.address, values | {"async": True})
    assert ghz_report(load)["statusCodeDistribution"] == {"OK": 20}


@pytest.mark.parametrize("kind", KINDS)
async def test_all_kinds_of_calls(protoset: str, kind: str) -> None:
    seen: list[str] = []

    async def behaviour(text: str, context: Any) -> str:
        seen.append(text)
        return text

    values = {"protoset": protoset, "call": f"{NAME}/{kind}", "total": 4, "concurrency": 2}
    async with probing(behaviour) as (server, _):
        load = await loaded(server.address, values | {"stream-call-count": 3})
    assert ghz_report(load)["statusCodeDistribution"] == {"OK": 4}
    assert len(seen) == (12 if kind[0] == "S" else 4)


@pytest.mark.parametrize(
    ("ending", "counts"), [("close", {"Canceled": 2}), ("wait", {"OK": 2}), ("ignore", {})]
)
async def test_calls_under_way_at_the_end(protoset: str, ending: str, counts: dict[str, int]) -> None:
    release = asyncio.Event()

    async def behaviour(text: str, context: Any) -> str:
        if ending == "wait":
            asyncio.get_running_loop().call_later(0.8, release.set)
        await release.wait()
        return text

    values = {"protoset": protoset, "call": f"{NAME}/UU", "rps": 50, "concurrency": 2}
    async with probing(behaviour) as (server, _):
        load = await loaded(server.address, values | {"duration": "300ms", "duration-stop": ending})
    report = ghz_report(load)
    assert report["statusCodeDistribution"] == counts and report["endReason"] == "timeout"
    assert load.samples.unsent + sum(counts.values() or [2]) >= 14  # of 15 that were due, or a few more


async def test_a_deadline_is_a_status(protoset: str) -> None:
    async def behaviour(text: str, context: Any) -> str:
        await asyncio.sleep(60)
        return text

    values = {"protoset": protoset, "call": f"{NAME}/UU", "total": 2, "concurrency": 2, "timeout": "100ms"}
    async with probing(behaviour) as (server, _):
        plain = ghz_report(await loaded(server.address, values))
        counted = ghz_report(await loaded(server.address, values | {"count-errors": True}))
    assert plain["statusCodeDistribution"] == {"DeadlineExceeded": 2} and plain["slowest"] == 0
    assert counted["slowest"] >= 100e6
    assert sum(counted["errorDistribution"].values()) == 2


async def test_it_ends_early_with_what_was_measured(protoset: str) -> None:
    calls = Counter[str]()

    async def behaviour(text: str, context: Any) -> str:
        calls["all"] += 1
        return text

    values = {"protoset": protoset, "call": f"{NAME}/UU", "concurrency": 2, "duration": "10m"}
    async with probing(behaviour) as (server, _):
        load = await loaded(server.address, values, stop=lambda: calls["all"] >= 20, workers=2)
    report = ghz_report(load)
    assert report["endReason"] == "cancel" and report["count"] >= 18
    assert report["statusCodeDistribution"] == {"OK": report["count"]}


async def test_callers_come_and_go(protoset: str) -> None:
    """Callers rise from 1 to 3 at the second step: no more than 3 calls are ever under way."""
    under_way = most = 0

    async def behaviour(text: str, context: Any) -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        return text

    steps = {"schedule": "step", "start": 1, "step": 1, "end": 3, "step-duration": "100ms"}
    values = {f"concurrency-{key}": value for key, value in steps.items()}
    values |= {"protoset": protoset, "call": f"{NAME}/UU", "total": 60}
    async with probing(behaviour) as (server, _):
        load = await loaded(server.address, values)
    assert len(load.samples.done) == 60 and most == 3


async def test_metadata_is_filled_in(protoset: str) -> None:
    seen: list[str] = []

    async def behaviour(text: str, context: grpc.aio.ServicerContext[Any, Any]) -> str:
        seen.append(str(dict(context.invocation_metadata() or ())["x-number"]))
        return text

    values = {"protoset": protoset, "call": f"{NAME}/UU", "total": 5, "concurrency": 1}
    async with probing(behaviour) as (server, _):
        await loaded(server.address, values | {"metadata": {"X-Number": "n{{.RequestNumber}}"}})
    assert seen == [f"n{number}" for number in range(5)]


async def test_where_load_may_not_go(protoset: str) -> None:
    values: dict[str, Any] = {"protoset": protoset, "call": f"{NAME}/UU", "connect-timeout": "300ms"}
    with pytest.raises(InvalidInput, match="--allow-remote"):
        await loaded("192.0.2.1:7700", values)
    with pytest.raises(InvalidInput, match="HOST:PORT"):
        await loaded("localhost", values)
    with pytest.raises(Unavailable, match="no connection"):
        await loaded("127.0.0.1:1", values)
