"""The Helm chart, rendered by Helm's own engine, its manifests held against Kubernetes' schemas."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from typing import Any

import helm_python as helm
import kubernetes_validate
import pytest
import yaml

from scenograph.runtime.settings import variables
from tests.deploy.tools import DEPLOY, SERVICES
from tests.support import ROOT

CHART = DEPLOY / "helm/scenograph"
EXAMPLES = sorted(path.stem for path in (DEPLOY / "helm/values").glob("*.yaml"))
Manifest = dict[str, Any]
Found = dict[tuple[str, str], Manifest]


@pytest.fixture(scope="module")
def chart() -> Iterator[helm.Chart]:
    with helm.Chart.load(CHART) as loaded:
        yield loaded


def rendered(chart: helm.Chart, values: dict[str, Any], release: str = "photos") -> Found:
    """The manifests by kind and name, without the release's name."""
    files = chart.render(values, name=release, namespace="web")
    documents = [
        one
        for name, text in files.items()
        if name.endswith(".yaml")
        for one in yaml.safe_load_all(text)
        if one
    ]
    found = {
        (one["kind"], one["metadata"]["name"].removeprefix(f"{release}-scenograph")): one for one in documents
    }
    assert len(found) == len(documents)
    return found


@cache
def example(chart: helm.Chart, name: str) -> Found:
    """What a file of example values makes."""
    return rendered(chart, yaml.safe_load((DEPLOY / f"helm/values/{name}.yaml").read_text()))


@pytest.fixture(params=EXAMPLES)
def manifests(request: pytest.FixtureRequest, chart: helm.Chart) -> Found:
    return example(chart, request.param)


def workloads(found: Found) -> dict[str, Manifest]:
    """Pod specifications by service."""
    kinds = ("Deployment", "StatefulSet")
    return {
        name.lstrip("-"): one["spec"]["template"]["spec"]
        for (kind, name), one in found.items()
        if kind in kinds
    }


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod.get("initContainers", ()), *pod["containers"]]


def environment(pod: Manifest) -> dict[str, Any]:
    return {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}


def test_helm_lints_it() -> None:
    found = helm.lint(CHART)
    assert found["errors"] == []
    assert [one["error"] for one in found["messages"]] == ["icon is recommended"]


def test_it_has_the_packages_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert about["version"] == about["appVersion"] == project["version"]


# 1.27 is the oldest that the chart takes.
@pytest.mark.parametrize("version", ["1.27", "1.34"])
def test_every_manifest_is_valid(manifests: Found, version: str) -> None:
    checked = 0
    for (kind, _), one in manifests.items():
        if kind != "ServiceMonitor":  # of the Prometheus operator
            kubernetes_validate.validate(one, version, strict=True)
            checked += 1
    assert checked >= 5


def test_every_pod_is_confined(manifests: Found) -> None:
    for name, pod in workloads(manifests).items():
        context = pod["securityContext"]
        assert context["runAsNonRoot"] and context["runAsUser"] == context["fsGroup"] == 10001, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


def test_kubernetes_variables_are_not_taken_for_settings(manifests: Found) -> None:
    """A Service called scenograph would make SCENOGRAPH_PORT=tcp://... in every pod."""
    assert {pod["enableServiceLinks"] for pod in workloads(manifests).values()} == {False}


def test_pods_end_after_they_have_drained(manifests: Found) -> None:
    for pod in workloads(manifests).values():
        told = environment(pod)
        drain = float(told["SCENOGRAPH_DRAIN_DELAY_S"]) + float(told["SCENOGRAPH_DRAIN_GRACE_S"])
        assert drain < pod["terminationGracePeriodSeconds"]


def test_everything_that_is_mounted_is_there(manifests: Found) -> None:
    claims = {"data"}  # of the StatefulSet
    for name, pod in workloads(manifests).items():
        volumes = {one["name"] for one in pod["volumes"]} | (claims if name in ("index", "all") else set())
        for container in containers(pod):
            mounts = [one["name"] for one in container["volumeMounts"]]
            assert set(mounts) <= volumes and len(mounts) == len(set(mounts)), name
            assert "tmp" in mounts
        assert {one["name"] for one in pod["containers"][0]["volumeMounts"]} == volumes


def test_what_selects_finds_pods_and_ports(manifests: Found) -> None:
    pods = {
        name: one["spec"]["template"]["metadata"]["labels"]
        for (kind, name), one in manifests.items()
        if kind in ("Deployment", "StatefulSet")
    }
    selectors = {
        (kind, name): one["spec"]["selector"].get("matchLabels", one["spec"]["selector"])
        for (kind, name), one in manifests.items()
        if kind in ("Service", "PodDisruptionBudget")
    }
    selectors |= {
        (kind, name): one["spec"]["podSelector"]["matchLabels"]
        for (kind, name), one in manifests.items()
        if kind == "NetworkPolicy"
    }
    for (kind, name), selector in selectors.items():
        chosen = [pod for pod, labels in pods.items() if selector.items() <= labels.items()]
        assert chosen == [name.removesuffix("-headless")], (kind, name)


def test_autoscalers_have_a_target_without_a_fixed_size(manifests: Found) -> None:
    for (kind, name), one in manifests.items():
        if kind == "HorizontalPodAutoscaler":
            assert one["spec"]["scaleTargetRef"]["name"] == f"photos-scenograph{name}"
            assert "replicas" not in manifests["Deployment", name]["spec"]
        if kind == "Deployment" and ("HorizontalPodAutoscaler", name) not in manifests:
            assert one["spec"]["replicas"] >= 1


def test_all_in_one(chart: helm.Chart) -> None:
    found = example(chart, "all-in-one")
    assert set(workloads(found)) == {"all"}
    assert {name for kind, name in found if kind == "Service"} == {"-all", "-all-headless"}
    assert found["StatefulSet", "-all"]["spec"]["serviceName"] == "photos-scenograph-all-headless"
    assert workloads(found)["all"]["containers"][0]["image"] == "scenograph/all:0.1.0"


def test_split(chart: helm.Chart) -> None:
    found = example(chart, "split")
    pods = workloads(found)
    assert set(pods) == set(SERVICES)
    told = environment(pods["gateway"])
    for name in set(SERVICES) - {"gateway"}:
        assert told[f"SCENOGRAPH_GATEWAY_{name.upper()}_ADDRESS"] == f"dns:///photos-scenograph-{name}:7700"
        assert found["Service", f"-{name}"]["spec"]["clusterIP"] == "None"
    assert told["SCENOGRAPH_GATEWAY_SEARCHES"] == "8" and told["SCENOGRAPH_TRACING_SAMPLE"] == "0.1"
    assert "SCENOGRAPH_GATEWAY_REDIS_URL" in told
    assert "SCENOGRAPH_GATEWAY_REDIS_URL" not in environment(pods["visual"])
    assert found["StatefulSet", "-index"]["spec"]["replicas"] == 1
    assert found["ServiceMonitor", ""]["spec"]["selector"]["matchLabels"]["scenograph/metrics"] == "true"
    monitored = {
        name for (_, name), one in found.items() if "scenograph/metrics" in one["metadata"]["labels"]
    }
    assert monitored == {"-gateway-headless", *(f"-{name}" for name in SERVICES if name != "gateway")}


def test_health_is_asked_by_grpc(chart: helm.Chart) -> None:
    for pod in workloads(example(chart, "split")).values():
        (server,) = pod["containers"]
        assert server["startupProbe"]["grpc"] == server["readinessProbe"]["grpc"] == {"port": 7700}
        assert "grpc" not in server["livenessProbe"]  # a server that drains, or loads, is not to be killed


def test_health_is_asked_by_the_command_where_there_is_tls(chart: helm.Chart) -> None:
    """Which takes what it needs to know of TLS from the server's own settings."""
    for pod in workloads(example(chart, "confidential")).values():
        for probe in ("startupProbe", "readinessProbe"):
            assert pod["containers"][0][probe]["exec"]["command"] == ["scenograph", "health"]


def test_the_gateway_waits_for_the_index(manifests: Found) -> None:
    for name, pod in workloads(manifests).items():
        waiting = [one["args"] for one in pod.get("initContainers", ())]
        asked = [["health", "--wait=600", "--server=photos-scenograph-index:7700"]]
        assert waiting == (asked if name == "gateway" else [])
        for one in pod.get("initContainers", ()):
            assert (one["image"], one["env"]) == (pod["containers"][0]["image"], pod["containers"][0]["env"])


def test_the_gateway_alone_may_call_the_services(chart: helm.Chart) -> None:
    found = example(chart, "split")
    for name in SERVICES:
        calls, metrics = found["NetworkPolicy", f"-{name}"]["spec"]["ingress"]
        assert (calls["ports"][0]["port"], metrics["ports"][0]["port"]) == (7700, 9464)
        if name == "gateway":
            (peer,) = calls["from"]
            assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "shop"}
        else:
            (peer,) = calls["from"]
            assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "gateway"
    anyone = example(chart, "all-in-one")["NetworkPolicy", "-all"]["spec"]["ingress"][0]
    assert "from" not in anyone


def test_secrets_reach_those_who_need_them(chart: helm.Chart) -> None:
    pods = workloads(example(chart, "confidential"))
    for name, pod in pods.items():
        mounted = {one["name"]: one["mountPath"] for one in pod["containers"][0]["volumeMounts"]}
        expected = {"tls", "security"} | ({"encryption"} if name in ("index", "gateway") else set())
        assert {kind for kind in mounted if mounted[kind].startswith("/etc/scenograph/")} == expected
        for value in environment(pod).values():
            if value and value.startswith("/etc/scenograph/"):
                assert value.split("/")[3] in expected
    assert not [kind for kind, _ in example(chart, "confidential") if kind == "Secret"]


def test_a_redis_url_becomes_a_secret(chart: helm.Chart) -> None:
    found = rendered(chart, {"redis": {"url": "rediss://:word@cache:6380/0"}})
    assert found["Secret", "-redis"]["stringData"] == {"url": "rediss://:word@cache:6380/0"}
    gateway = workloads(found)["gateway"]["containers"][0]["env"]
    (reference,) = [one["valueFrom"]["secretKeyRef"] for one in gateway if "valueFrom" in one]
    assert reference == {"name": "photos-scenograph-redis", "key": "url"}


def test_settings_are_settings(manifests: Found) -> None:
    for pod in workloads(manifests).values():
        assert environment(pod).keys() <= variables().keys()


def test_a_services_own_setting_wins_even_where_it_is_nothing(chart: helm.Chart) -> None:
    values: dict[str, Any] = {
        "settings": {"drain_delay_s": 5, "drain_grace_s": 30, "gateway.keep_images": True},
        "services": {"gateway": {"settings": {"gateway.keep_images": False, "drain_delay_s": 0}}},
    }
    told = environment(workloads(rendered(chart, values))["gateway"])
    assert told["SCENOGRAPH_GATEWAY_KEEP_IMAGES"] == "false" and told["SCENOGRAPH_DRAIN_DELAY_S"] == "0"
    values["services"]["gateway"]["settings"] = {"drain_grace_s": 300}
    pods = workloads(rendered(chart, values))
    assert pods["gateway"]["terminationGracePeriodSeconds"] == 315
    assert pods["visual"]["terminationGracePeriodSeconds"] == 45


def test_numbers_are_written_out(chart: helm.Chart) -> None:
    """Templates hold every number as a float, which they would write as 2e+06."""
    given = {"index.exact_up_to": 2_000_000, "gateway.cache_bytes": 2**31, "tracing.sample": 0.05}
    values = {"settings": {"drain_delay_s": 1.5, "drain_grace_s": 600, **given}}
    told = environment(workloads(rendered(chart, values))["index"])
    assert (told["SCENOGRAPH_INDEX_EXACT_UP_TO"], told["SCENOGRAPH_TRACING_SAMPLE"]) == ("2000000", "0.05")
    assert told["SCENOGRAPH_GATEWAY_CACHE_BYTES"] == str(2**31) and told["SCENOGRAPH_DRAIN_DELAY_S"] == "1.5"


def test_a_release_called_scenograph(chart: helm.Chart) -> None:
    names = {name for _, name in rendered(chart, {"mode": "all-in-one"}, release="scenograph")}
    assert names == {"scenograph", "scenograph-all", "scenograph-all-headless"}


@pytest.mark.parametrize(
    "values",
    [
        {"mode": "both"},
        {"image": {"name": "x"}},
        {"settings": {"GATEWAY_SEARCHES": 3}},
        {"settings": {"gateway": {"searches": 3}}},
        {"redis": {"url": "http://cache"}},
        {"services": {"index": {"replicas": 2}}},
        {"services": {"gateway": {"replicas": 0}}},
        {"services": {"search": {}}},
        {"persistence": {"size": "much"}},
        {"sevices": {}},
    ],
    ids=str,
)
def test_the_schema_refuses(chart: helm.Chart, values: dict[str, Any]) -> None:
    with pytest.raises(helm.HelmError):
        chart.validate_schema(values)
    with pytest.raises(helm.HelmError):
        chart.render(values, name="photos", namespace="web")
