"""Pods of the chart, as far as an engine without Kubernetes runs them: image, user, environment, mounts."""

from __future__ import annotations

import uuid

import helm_python as helm
import pytest

from tests.containers.docker import docker, inspect
from tests.containers.test_deployments import until
from tests.deploy.test_chart import CHART, example, workloads


@pytest.mark.parametrize(
    ("name", "service"), [("all-in-one", "all"), ("split", "index"), ("fixed", "visual")]
)
def test_a_pod_serves_and_ends(images: dict[str, str], name: str, service: str) -> None:
    with helm.Chart.load(CHART) as chart:
        pod = workloads(example(chart, name))[service]
    (server,) = pod["containers"]
    context = pod["securityContext"]
    owner = f"{context['runAsUser']}:{context['runAsGroup']}"
    options = ["--user", owner, "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    for mount in server["volumeMounts"]:
        if mount["mountPath"] != "/opt/packs":  # there the image has its own
            options += ["--tmpfs", f"{mount['mountPath']}:uid={context['fsGroup']},mode=700"]
    for one in server["env"]:
        options += ["--env", f"{one['name']}={one.get('value', '')}"]
    container = f"scenograph-pod-{uuid.uuid4().hex[:8]}"
    docker("run", "--detach", "--name", container, *options, images[service])
    try:
        until(lambda: docker("exec", container, "scenograph", "health", check=False) == "SERVING")
        docker("stop", "--time", str(pod["terminationGracePeriodSeconds"]), container)
        assert inspect(container)["State"]["ExitCode"] == 0, docker("logs", container)
    finally:
        docker("rm", "--force", "--volumes", container)
