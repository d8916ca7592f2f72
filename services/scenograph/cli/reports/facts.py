"""The lines of a report that say what ran where: enough to run it again."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("numpy", "scipy", "onnxruntime", "faiss-cpu", "grpcio", "torch")


def run_facts(**more: str) -> dict[str, str]:
    """Command, versions, machine and date of this run, with `more` after the command."""
    return {
        "command": _command(),
        **more,
        "scenograph": _version("scenograph"),
        "packages": ", ".join(f"{name} {found}" for name in _PACKAGES if (found := _version(name))),
        "machine": _machine(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _command() -> str:
    """The command line, with `scenograph` for however it was started."""
    return shlex.join(["scenograph", *sys.argv[1:]])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    system = f"{platform.system()} {platform.machine()}"
    parts = (_processor(), f"{cores} cores", system, f"Python {platform.python_version()}")
    return ", ".join(part for part in parts if part)


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
