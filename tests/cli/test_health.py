"""`scenograph health`: its exit code is what containers and scripts go by."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import HealthServicer

from scenograph.cli.app import run

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def asked() -> Iterator[tuple[str, HealthServicer]]:
    """A server's address, and what it says of its health."""
    health = HealthServicer()
    server = grpc.server(ThreadPoolExecutor(1))
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}", health
    server.stop(0).wait()


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        run(["health", *arguments])
    return int(end.value.code or 0)


def test_the_exit_code_tells(asked: tuple[str, HealthServicer], capsys: pytest.CaptureFixture[str]) -> None:
    address, health = asked
    told = []
    for status in (SERVING, NOT_SERVING, SERVING):
        health.set("", status)
        told.append((_run("--server", address), capsys.readouterr().out.strip()))
    assert told == [(0, "SERVING"), (1, "NOT_SERVING"), (0, "SERVING")]


def test_one_service(asked: tuple[str, HealthServicer], capsys: pytest.CaptureFixture[str]) -> None:
    address, health = asked
    health.set("", NOT_SERVING)
    health.set("some.Service", SERVING)
    assert _run("some.Service", "--server", address) == 0
    assert _run("some.Other", "--server", address) == 1
    assert "error: " in capsys.readouterr().err


def test_waiting(asked: tuple[str, HealthServicer], capsys: pytest.CaptureFixture[str]) -> None:
    address, health = asked
    health.set("", NOT_SERVING)
    assert _run("--server", address, "--wait", "0.2") == 1
    assert "is not ready" in capsys.readouterr().err
    serving = threading.Timer(0.3, health.set, ("", SERVING))
    serving.start()
    assert _run("--server", address, "--wait", "60") == 0
    serving.join()


def test_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--server", "127.0.0.1:1", "--timeout", "1") == 1
    assert "cannot reach a scenograph server at 127.0.0.1:1" in capsys.readouterr().err
