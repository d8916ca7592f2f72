"""The docker command line, and an image as it tells of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any


def _builds(docker: str) -> bool:
    """Whether it builds with BuildKit: by buildx, or, before version 23, by itself."""
    if subprocess.run([docker, "buildx", "version"], capture_output=True, check=False).returncode == 0:
        return True
    asked = [docker, "version", "--format", "{{.Client.Version}}"]
    version = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return version.partition(".")[0].isdecimal() and int(version.partition(".")[0]) < 23


@cache
def program() -> str:
    """The first docker on PATH that builds with BuildKit."""
    folders = os.environ["PATH"].split(os.pathsep)
    found = [path for folder in folders if (path := shutil.which("docker", path=folder))]
    for path in found:
        if _builds(path):
            return path
    raise RuntimeError(f"no docker with BuildKit on PATH: {', '.join(found) or 'there is none'}")


def docker(*arguments: str | Path, check: bool = True, seconds: float = 1800) -> str:
    """What a command prints on standard output. Errors: CalledProcessError with what it said in its notes."""
    command = [program(), *map(str, arguments)]
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=seconds
    )
    if check and done.returncode:
        error = subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        error.add_note("\n".join((done.stdout + done.stderr).splitlines()[-40:]))
        raise error
    return done.stdout.strip()


def succeeds(*arguments: str | Path, seconds: float = 60) -> bool:
    """Whether a command ends well."""
    try:
        docker(*arguments, seconds=seconds)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
    return True


def inspect(name: str) -> dict[str, Any]:
    """What the engine knows of an image or a container."""
    (found,) = json.loads(docker("inspect", name))
    return dict(found)


def build(file: Path, target: str, tag: str, context: Path, **arguments: str) -> None:
    """Builds a stage of a Dockerfile and names it."""
    given = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
    docker("build", "--file", file, "--target", target, "--tag", tag, *given, context, seconds=3600)
