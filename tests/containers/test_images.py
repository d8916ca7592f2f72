"""What is in the images, and as whom they run."""

from __future__ import annotations

import json

import pytest

from tests.containers.conftest import TARGETS
from tests.containers.docker import docker, inspect
from tests.support import ROOT

# What builds or fetches.
UNWANTED = ("gcc", "cc", "g++", "c++", "ld", "as", "make", "cmake", "git", "pip", "pip3", "curl", "wget")
LOOK = f"""
import importlib.util, json, pathlib, shutil
modules = ("torch", "torch_geometric", "onnx", "onnxscript", "tensorboard", "pip", "pytest")
print(json.dumps({{
    "modules": [name for name in modules if importlib.util.find_spec(name)],
    "programs": [name for name in {UNWANTED} if shutil.which(name)],
    "libraries": [str(path) for path in pathlib.Path("/").glob("[!ps]*/**/libtorch*")],
    "weights": [str(path) for path in pathlib.Path("/opt").rglob("*.safetensors")],
    "left": [path for path in ("/root/.cache", "/src", "/build", "/wheels") if pathlib.Path(path).exists()],
    "faces": len(list(pathlib.Path("/opt").glob("packs/faces/centerface.*"))),
    "pack": [path.name for path in pathlib.Path("/opt").glob("packs/default/*")],
}}))
"""


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_that_builds_is_in_what_runs(images: dict[str, str], target: str) -> None:
    found = json.loads(
        docker("run", "--rm", "--user", "0", "--entrypoint", "python", images[target], "-c", LOOK)
    )
    packs = found.pop("pack")
    assert (len(packs), found.pop("faces")) == ((0, 0) if target == "index" else (1, 3))
    assert found == {"modules": [], "programs": [], "libraries": [], "weights": [], "left": []}


@pytest.mark.parametrize("target", TARGETS)
def test_what_an_image_says_of_itself(images: dict[str, str], target: str) -> None:
    config = inspect(images[target])["Config"]
    assert config["User"] == "10001:10001" and config["StopSignal"] == "SIGTERM"
    assert config["ExposedPorts"].keys() == {"7700/tcp", "9464/tcp"}
    assert config["Healthcheck"]["Test"] == ["CMD", "scenograph", "health"]
    assert config["Labels"]["org.opencontainers.image.version"] == "tested"
    assert config["Entrypoint"] == ["scenograph"] and config["Cmd"][0] == "serve"
    assert bool(config.get("Volumes")) == (target in ("index", "all"))


def layers(image: str) -> dict[str, int]:
    """An image's layers with their sizes in bytes. (Steps that change no file have none.)"""
    sizes = docker("history", "--human=false", "--format", "{{.Size}}", image).split()
    filled = [int(size) for size in reversed(sizes) if int(size)]
    return dict(zip(inspect(image)["RootFS"]["Layers"], filled, strict=True))


def test_images_share_their_layers(images: dict[str, str]) -> None:
    """All of them together are hardly more than one; their sizes are written to build/images.md."""
    found = {target: layers(name) for target, name in images.items()}
    sizes = {target: sum(parts.values()) / 1e6 for target, parts in found.items()}
    together = sum({layer: size for parts in found.values() for layer, size in parts.items()}.values()) / 1e6
    lines = ["| image | MB |", "|---|---|"]
    lines += [f"| {target} | {size:,.0f} |" for target, size in sizes.items()]
    lines += [f"| all of them, shared layers counted once | {together:,.0f} |"]
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build/images.md").write_text("\n".join(lines) + "\n")
    print("\n" + "\n".join(lines))
    assert together < 1.2 * max(sizes.values())
    assert max(sizes.values()) < 1500 and sizes["index"] < sizes["all"]
