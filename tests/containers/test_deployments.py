"""The images at work: the same answers everywhere, confinement, what happens when parts end or are killed."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client, Item
from scenograph.client.errors import Unavailable
from tests.containers.composed import Composed
from tests.containers.docker import docker, inspect
from tests.deploy.tools import SERVICES
from tests.e2e.conftest import PHOTOS
from tests.e2e.photos import ITEMS
from tests.e2e.test_deployments import QUERIES
from tests.e2e.test_deployments import _same as same


def until(holds: Callable[[], bool], seconds: float = 120) -> None:
    """Returns when a condition holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.2)


def all_photos(client: Client) -> bool:
    """Whether a search finds every sample photograph."""
    return {hit.id for hit in client.search(PHOTOS, text="a cat", limit=20)} == {item.id for item in ITEMS}


@pytest.mark.parametrize("name", QUERIES)
def test_the_same_answers(name: str, outside: ServerProcess, together: Composed, split: Composed) -> None:
    """A process of this machine, all-in-one, and split over containers."""
    pages = []
    for address in (outside.address, together.address, split.address):
        with Client(address) as client:
            pages.append(client.search(PHOTOS, explain=True, limit=20, **QUERIES[name]))  # type: ignore[arg-type]
    assert pages[0].hits
    same(pages[0], pages[1])
    same(pages[0], pages[2])


STATE = """
import json, os, pathlib
def writable(folder):
    try:
        pathlib.Path(folder, "probe").write_text("")
    except OSError as error:
        return error.strerror
    pathlib.Path(folder, "probe").unlink()
    return ""
status = dict(line.split(":", 1) for line in open("/proc/1/status"))
print(json.dumps({
    "user": os.getuid(),
    "capabilities": int(status["CapEff"], 16) | int(status["CapBnd"], 16),
    "no_new_privileges": int(status["NoNewPrivs"]),
    "seccomp": int(status["Seccomp"]),
    "root": writable("/"), "environment": writable("/opt/scenograph"), "temporary": writable("/tmp"),
}))
"""


@pytest.mark.parametrize("service", [*SERVICES, "all"])
def test_confinement(service: str, together: Composed, split: Composed) -> None:
    deployed = together if service == "all" else split
    assert json.loads(deployed.python_in(service, STATE)) == {
        "user": 10001,
        "capabilities": 0,
        "no_new_privileges": 1,
        "seccomp": 2,
        "root": "Read-only file system",
        "environment": "Read-only file system",
        "temporary": "",
    }


def test_only_the_gateway_reaches_redis(split: Composed) -> None:
    reach = 'import socket; socket.create_connection(("redis", 6379), 5).close(); print("reached")'
    assert split.python_in("gateway", reach) == "reached"
    for service in ("visual", "index"):
        assert split.run_in(service, "python", "-c", reach, check=False) == ""


def test_health_is_told_truthfully(split: Composed) -> None:
    assert {split.health(name) for name in SERVICES} == {"healthy"}
    container = split.container("encoder")
    docker("restart", container)
    asked = ["exec", container, "scenograph", "health"]
    assert docker(*asked, check=False) in (
        "NOT_SERVING",
        "",
    )  # models are being loaded, or no port is open yet
    until(lambda: docker(*asked, check=False) == "SERVING")


def test_redis_keeps_answers_and_may_end(split: Composed) -> None:
    query = {"text": "an astronaut in an orange suit", "explain": True}
    with Client(split.address) as client:
        first = client.search(PHOTOS, **query)  # type: ignore[arg-type]
        assert client.search(PHOTOS, **query).report.cache == "hit"  # type: ignore[arg-type]
        ask = 'redis-cli -a "$(cut -d" " -f2 /run/secrets/redis.conf)" --no-auth-warning dbsize'
        assert int(split.run_in("redis", "sh", "-c", ask)) > 0
        docker("kill", split.container("redis"))
        try:
            without = client.search(PHOTOS, text="a rocket on its way", explain=True)
            assert without.hits and without.report.cache == "bypass"
            same(first, client.search(PHOTOS, **query))  # type: ignore[arg-type]
        finally:
            docker("start", split.container("redis"))


def test_prometheus_watches_every_server(split: Composed) -> None:
    def up() -> dict[str, str]:
        query = urllib.parse.urlencode({"query": 'up{job="scenograph"}'})
        with urllib.request.urlopen(f"http://{split.prometheus}/api/v1/query?{query}", timeout=5) as answer:
            found = json.load(answer)["data"]["result"]
        return {one["metric"]["service"]: one["value"][1] for one in found}

    until(lambda: up() == dict.fromkeys(SERVICES, "1"))


def test_prometheus_takes_its_files(split: Composed) -> None:
    folder, promtool = "/etc/prometheus", ("env", "TMPDIR=/prometheus", "promtool")
    assert "SUCCESS" in split.run_in("prometheus", *promtool, "check", "config", f"{folder}/compose.yml")
    assert "SUCCESS" in split.run_in("prometheus", *promtool, "test", "rules", f"{folder}/alerts_test.yml")


def test_an_index_that_is_killed_loses_nothing(split: Composed, pool: ThreadPoolExecutor) -> None:
    """kill -9 while items are stored: what was acknowledged is there after the restart, and is found."""
    acknowledged: list[str] = []
    refused = 0
    with Client(split.address) as client:
        client.create_collection("killed")

        def store() -> None:
            nonlocal refused
            for number in range(400):
                item = Item(f"item-{number}", texts=[f"a dog and {number} cats"])
                try:
                    (status,) = client.ingest("killed", [item])
                except Unavailable:
                    refused += 1
                    time.sleep(0.05)
                    continue
                if status.ok:
                    acknowledged.append(item.id)
                else:
                    refused += 1

        storing = pool.submit(store)
        until(lambda: len(acknowledged) > 40)
        container = split.container("index")
        docker("kill", "--signal", "KILL", container)
        before = len(acknowledged)
        assert inspect(container)["State"]["ExitCode"] == 137
        docker("start", container)
        until(lambda: len(acknowledged) > before + 20)
        storing.result(timeout=300)
        assert refused > 0 and len(acknowledged) + refused == 400
        stored = {item.id for page in client.list_items("killed", page_size=500) for item in page}
        lost = set(acknowledged) - stored
        print(
            f"\nacknowledged {len(acknowledged)}, refused {refused}, stored {len(stored)}, lost {len(lost)}"
        )
        assert not lost
        found = client.search("killed", text="a dog and 7 cats", limit=5, returning="text")
        assert found.hits
        assert {hit.id for hit in client.search(PHOTOS, text="a cat", limit=20)} == {
            item.id for item in ITEMS
        }


def test_a_container_drains(together: Composed, pool: ThreadPoolExecutor) -> None:
    """SIGTERM: NOT_SERVING first, calls under way and those that still come are answered, exit code 0."""
    container = together.container("all")
    failed: list[Exception] = []
    answered = 0

    def search(caller: int) -> None:
        nonlocal answered
        with Client(together.address) as client:
            for number in range(10_000):
                try:
                    client.search(PHOTOS, text=f"a dog, {caller} cups and {number} cats", explain=True)
                except Unavailable:
                    return  # the drain is over: nothing listens, or the call was refused before it began
                except Exception as error:
                    failed.append(error)
                    return
                answered += 1

    searching = [pool.submit(search, caller) for caller in range(3)]
    until(lambda: answered > 10)
    told: list[str] = []
    docker("kill", "--signal", "TERM", container)
    before = answered
    with Client(together.address) as client:
        while True:
            try:
                told.append(client.health(timeout=5))
            except Exception:
                break
            if told[-1] == "NOT_SERVING" and answered > before + 3:
                break
    for one in searching:
        one.result(timeout=120)
    assert docker("wait", container) == "0"
    assert failed == [] and "NOT_SERVING" in told and answered > before
    docker("start", container)
    until(lambda: docker("exec", container, "scenograph", "health", check=False) == "SERVING")
    with Client(together.address) as client:
        assert {hit.id for hit in client.search(PHOTOS, text="a cat", limit=20)} == {
            item.id for item in ITEMS
        }
