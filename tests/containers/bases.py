"""The images that ours start from or run beside: a registry's where one is reached, else stand-ins."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.containers.docker import build, docker, succeeds

HERE = Path(__file__).parent
SUITE = "bookworm"


@dataclass(frozen=True)
class Bases:
    """Names of images. `build`: what our images are built in."""

    python: str
    build: str
    redis: str
    prometheus: str


def bases() -> Bases:
    """Those that BASE, BUILD_BASE, REDIS_IMAGE and PROMETHEUS_IMAGE name, a registry's, or stand-ins."""
    given = os.environ
    python = given.get("BASE", f"python:3.11-slim-{SUITE}")
    redis = given.get("REDIS_IMAGE", "redis:7.4-bookworm")
    prometheus = given.get("PROMETHEUS_IMAGE", "prom/prometheus:v3.5.0")
    named = (python, redis, prometheus)
    if all(succeeds("image", "inspect", name) or succeeds("pull", name) for name in named):
        return Bases(python, given.get("BUILD_BASE", python), redis, prometheus)
    return _stand_ins()


def _stand_ins() -> Bases:
    debian = f"scenograph-base/debian:{SUITE}"
    if not succeeds("image", "inspect", debian):
        _bootstrap(debian)
    names = {name: f"scenograph-base/{name}" for name in ("python", "build", "redis", "prometheus")}
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        _pip_as_here(context)
        for target, name in names.items():
            build(HERE / "base.Dockerfile", target, name, context, DEBIAN=debian)
    return Bases(**names)


def _bootstrap(name: str) -> None:
    """Debian itself, as an image; as root."""
    if not shutil.which("debootstrap"):
        subprocess.run(["apt-get", "install", "-y", "-qq", "debootstrap"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        make = ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(root)]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
        for kept in ("var/cache/apt", "var/lib/apt/lists"):
            shutil.rmtree(root / kept)
            (root / kept / "partial").mkdir(parents=True)
        archive = Path(folder) / "root.tar"
        subprocess.run(["tar", "-C", root, "-cf", archive, "."], check=True)
        docker("import", archive, name)


def _pip_as_here(context: Path) -> None:
    """Lays into the context what makes pip find packages as it does here: pip.conf, certificates, wheels."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    known = dict(line.partition("=")[::2] for line in listed.stdout.splitlines())
    settings = {name.rpartition(".")[2]: value.strip("'") for name, value in known.items()}
    taken = ("index-url", "trusted-host", "default-timeout")
    lines = ["[global]", *(f"{key} = {settings[key]}" for key in taken if key in settings)]
    if "cert" in settings:
        certificates = context / "etc/ssl/certs/ca-certificates.crt"
        certificates.parent.mkdir(parents=True)
        shutil.copy(settings["cert"], certificates)
        lines.append("cert = /etc/ssl/certs/ca-certificates.crt")
    wheels = context / "wheels"
    wheels.mkdir()
    for folder in map(Path, settings.get("find-links", "").split()):
        for wheel in folder.glob("*.whl"):
            shutil.copy(wheel, wheels)
    lines.append("find-links = /wheels")
    (context / "etc").mkdir(exist_ok=True)
    (context / "etc/pip.conf").write_text("\n".join(lines) + "\n")
