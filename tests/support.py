"""What tests share: where the research data is, and sample photographs that a PyPI package ships."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def data_folder(name: str) -> Path:
    """The folder of a research data set; skips the test, saying why, where it is missing."""
    root = Path(os.environ.get("SCENOGRAPH_DATA", ROOT.parent / "shared" / "data"))
    folder = root / name
    if not folder.is_dir():
        pytest.skip(f"research data {name!r} is not at {root}; set SCENOGRAPH_DATA")
    return folder


def sample_photo(name: str) -> Path:
    """A photograph shipped inside scikit-image: astronaut.png, chelsea.png, coffee.png,
    motorcycle_left.png, rocket.jpg, ...
    """
    spec = importlib.util.find_spec("skimage")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data" / name
