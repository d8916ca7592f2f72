"""The wheel, built and installed in a fresh environment."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.e2e.conftest import Deployment
from tests.support import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_what_the_wheel_holds(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "scenograph/__init__.py" not in names
    inside = {name.split("/")[1] for name in names if name.startswith("scenograph/")}
    assert {"v1", "scene", "prep", "nn", "packs", "gateway", "index", "client", "cli"} <= inside
    assert "scenograph/client/py.typed" in names and "scenograph/scene/query/grammar.lark" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.endswith((".onnx", ".npz", ".jpg"))]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty virtual environment's programs."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder / "bin"


def _install(environment: Path, what: str) -> set[str]:
    """Install, and say what is there then."""
    pip = [str(environment / "python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", what], check=True, capture_output=True)
    listed = subprocess.run([*pip, "list", "--format=freeze"], check=True, capture_output=True, text=True)
    return {line.partition("==")[0].lower() for line in listed.stdout.split()}


def _scenograph(environment: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(environment / "scenograph"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=environment)


HEAVY = {"numpy", "torch", "onnxruntime", "pydantic", "spacy"}


def test_a_base_install_is_the_client_alone(wheel: Path, environment: Path) -> None:
    assert not _install(environment, str(wheel)) & (HEAVY | {"typer", "rich"})
    code = "import scenograph.client as c; c.Client('localhost:1').close(); c.AsyncClient"
    subprocess.run([str(environment / "python"), "-c", code], check=True, cwd=environment)
    told = _scenograph(environment, "--help")
    assert told.returncode == 1 and "pip install 'scenograph[cli]'" in told.stderr


def test_the_command_line_alone(wheel: Path, environment: Path, together: Deployment) -> None:
    assert not _install(environment, f"{wheel}[cli]") & (HEAVY - {"pydantic"})
    assert "Serve over gRPC" in _scenograph(environment, "--help").stdout
    parsed = _scenograph(environment, "parse", "a dog", "--server", together.gateway)
    assert parsed.stdout.strip() == "(dog)"
    for arguments in (["serve"], ["pack", "list"], ["pack", "build"]):
        refused = _scenograph(environment, *arguments)
        assert refused.returncode == 1 and "pip install 'scenograph[" in refused.stderr, arguments
        assert "Traceback" not in refused.stderr
