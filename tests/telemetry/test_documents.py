"""The guide's table, the alerts and the dashboard name what servers really tell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from tests.authority import Authority
from tests.support import ROOT
from tests.telemetry.conftest import COLLECTION
from tests.telemetry.scraping import Scrape, wait_for

from scenograph.cli.server_process import ServerProcess
from scenograph.cli.trace import find, tree
from scenograph.client import Client, errors
from scenograph.runtime.telemetry.metrics_table import with_table

DEPLOY = ROOT / "deploy"
GUIDE = ROOT / "docs/guides/observability.md"
NAME = re.compile(r"\b(?:scenograph|process|python)_[a-z_]+\b")
SELECTOR = re.compile(rf"({NAME.pattern})(?:{{([^}}]*)}})?")
CONDITION = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
GROUPED = re.compile(rf"\bby \(([^)]*)\) \((?:\w+\()?({NAME.pattern})")
ADDED = {"instance", "job"}
"""Labels that Prometheus gives to what it reads."""


def rules() -> list[dict[str, Any]]:
    loaded = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DEPLOY / "grafana/dashboard.json").read_text())
    return loaded


def targets() -> list[dict[str, Any]]:
    return [target for panel in dashboard()["panels"] for target in panel["targets"]]


def expressions() -> list[str]:
    shown = [target["expr"] for target in targets()]
    assert len(shown) > 15
    return [*(rule["expr"] for rule in rules()), *shown, dashboard()["templating"]["list"][1]["definition"]]


@pytest.fixture(scope="module")
def with_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("with-tls")
    own = Authority(folder).issue("server")
    settings = {
        "SCENOGRAPH_TLS_CERTIFICATE": str(own.certificate),
        "SCENOGRAPH_TLS_KEY": str(own.key),
        "SCENOGRAPH_METRICS_ADDRESS": "127.0.0.1:0",
    }
    process = ServerProcess(folder, "index", settings)
    with process:
        yield process


@pytest.fixture(scope="module")
def asked_server(watched_server: tuple[ServerProcess, Path], with_tls: ServerProcess) -> Scrape:
    """What a server tells after a search and one that failed, and one over TLS."""
    with Client(watched_server[0].address) as client:
        client.search(COLLECTION, text="a cup of coffee", explain=True)
        with pytest.raises(errors.CollectionNotFound):
            client.search("absent", text="a cup of coffee")
    told = wait_for(
        watched_server[0].metrics_address, "scenograph_rpc_duration_seconds_count", code="NOT_FOUND"
    )
    told.samples += Scrape(with_tls.metrics_address).samples
    return told


def test_alerts_and_dashboard_name_what_a_server_tells(asked_server: Scrape) -> None:
    named = {name for expression in expressions() for name in NAME.findall(expression)}
    assert len(named) > 15 and named <= asked_server.names()


def fulfils(labels: dict[str, str], conditions: list[tuple[str, str, str]]) -> bool:
    """Whether a sample's labels are among those that a selector takes."""
    for label, how, value in conditions:
        found = labels[label]  # a label that its metric lacks is a mistake, which Prometheus would not tell
        same = re.fullmatch(value, found) is not None if "~" in how else value == found
        if same == how.startswith("!"):
            return False
    return True


def test_alerts_and_dashboard_select_what_a_server_tells(asked_server: Scrape) -> None:
    checked = 0
    for name, inside in [found for expression in expressions() for found in SELECTOR.findall(expression)]:
        conditions = [one for one in CONDITION.findall(inside) if one[0] not in ADDED]
        codes = [value for label, how, value in conditions if (label, how) == ("code", "=~")]
        assert {one for value in codes for one in value.split("|")} <= {code.name for code in grpc.StatusCode}
        conditions = [one for one in conditions if one[2] not in codes]  # of failures that are not made here
        samples = [sample.labels for sample in asked_server.samples if sample.name == name]
        assert any(fulfils(labels, conditions) for labels in samples), (name, inside)
        checked += len(conditions)
    assert checked > 10


def test_alerts_and_dashboard_group_by_labels_that_there_are(asked_server: Scrape) -> None:
    groups = [found for expression in expressions() for found in GROUPED.findall(expression)]
    assert len(groups) > 15
    for inside, name in groups:
        labels = next(sample.labels for sample in asked_server.samples if sample.name == name)
        assert set(inside.split(", ")) <= labels.keys() | ADDED, (inside, name)


def test_legends_and_summaries_name_labels_that_are_left() -> None:
    shown = [(target["expr"], target["legendFormat"]) for target in targets() if target.get("legendFormat")]
    told = [(rule["expr"], rule["annotations"]["summary"]) for rule in rules()]
    named = [(expr, set(re.findall(r"{{ *(?:\$labels\.)?(\w+) *}}", text))) for expr, text in shown + told]
    assert sum(len(names) for _, names in named) > 15
    for expr, names in named:
        groups = [set(inside.split(", ")) for inside, _ in GROUPED.findall(expr)]
        assert names <= (set.union(*groups) if groups else ADDED), expr


def test_the_alerts_are_whole() -> None:
    for rule in rules():
        assert re.fullmatch("Scenograph[A-Za-z]+", rule["alert"])
        assert rule["labels"]["severity"] in ("page", "ticket") and rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+m", rule["for"])
    tests = yaml.safe_load((DEPLOY / "prometheus/alerts_test.yml").read_text())["tests"]
    tested = {test["alertname"] for part in tests for test in part["alert_rule_test"]}
    assert tested == {rule["alert"] for rule in rules()}
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    assert config["rule_files"] == ["alerts.yml"]
    assert config["scrape_configs"][0]["job_name"] == "scenograph"


def test_the_panels_lie_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken and max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in dashboard()["panels"]}) == len(dashboard()["panels"])


def test_the_guides_table_is_up_to_date() -> None:
    """Made anew by: python -m scenograph.runtime.telemetry.metrics_table docs/guides/observability.md"""
    page = GUIDE.read_text(encoding="utf-8")
    assert with_table(page) == page


def test_the_guide_shows_the_kept_trace() -> None:
    spans = json.loads((ROOT / "docs/traces/cold-search.json").read_text())
    assert find(spans) == spans
    shown = re.search(r"```text\n(trace .*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    assert shown[1].splitlines() == [f"trace {spans[0]['trace_id']}", *tree(spans)]
    assert len({span["service"] for span in spans}) == 6
    assert '"/' not in json.dumps(spans)  # no paths
