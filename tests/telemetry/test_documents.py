"""The guide's table, the alerts and the dashboard name what servers really tell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from tests.support import ROOT
from tests.telemetry.scraping import Scrape

from scenograph.cli.server_process import ServerProcess
from scenograph.cli.trace import find, tree
from scenograph.runtime.telemetry.metrics import Metrics
from scenograph.runtime.telemetry.metrics_table import with_table

DEPLOY = ROOT / "deploy"
GUIDE = ROOT / "docs/guides/observability.md"
NAME = re.compile(r"\b(?:scenograph|process|python)_[a-z_]+\b")


def rules() -> list[dict[str, Any]]:
    loaded = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def strings(value: Any, key: str) -> Iterator[str]:
    """All strings under a key, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key and isinstance(inner, str):
                yield inner
            else:
                yield from strings(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, key)


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DEPLOY / "grafana/dashboard.json").read_text())
    return loaded


def expressions() -> list[str]:
    shown = list(strings(dashboard(), "expr"))
    assert len(shown) > 15
    return [*(rule["expr"] for rule in rules()), *shown, dashboard()["templating"]["list"][1]["definition"]]


def test_alerts_and_dashboard_name_what_a_server_tells(watched_server: tuple[ServerProcess, Path]) -> None:
    told = Scrape(watched_server[0].metrics_address)
    named = {name for expression in expressions() for name in NAME.findall(expression)}
    assert len(named) > 15 and named <= told.names()


def test_alerts_and_dashboard_name_labels_and_values_that_there_are() -> None:
    labels = {label for row in Metrics().table for label in row.labels} | {"instance", "job", "le", "code"}
    text = "\n".join(expressions())
    used = {name for inside in re.findall(r"\bby \(([^)]*)\)", text) for name in inside.split(", ")}
    used |= set(re.findall(r"(\w+)(?:=~|!~|!=|=)\"", text))
    assert used <= labels
    methods = set(re.findall(r'method="([^"]+)"', text))
    assert methods == {"scenograph.v1.GatewayService/Search"}


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
