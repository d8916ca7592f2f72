"""The wheel, built and installed in a fresh environment."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

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


def test_a_base_install_is_the_client_alone(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    code = (
        "import sys, scenograph.client as c; c.Client('localhost:1').close(); c.AsyncClient;"
        "print(sorted({'numpy', 'torch', 'onnxruntime', 'typer', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "[]"
    listed = subprocess.run(
        [str(python), "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    )
    installed = {line.partition("==")[0].lower() for line in listed.stdout.split()}
    assert not installed & {"numpy", "torch", "onnxruntime", "typer", "pydantic"}

    command = subprocess.run(
        [str(tmp_path / "env" / "bin" / "scenograph"), "--help"], capture_output=True, text=True, check=False
    )
    assert command.returncode == 1 and "pip install 'scenograph[cli]'" in command.stderr
