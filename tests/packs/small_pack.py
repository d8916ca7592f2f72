"""A pack small enough for tests: one model file of any bytes, its golden outputs, and a text."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from scenograph.packs import FORMAT, Manifest, Model, Pack, Parity, Source, TensorSpec, open_pack
from scenograph.packs.golden import FILE_NAME as GOLDEN
from scenograph.packs.golden import write_golden
from scenograph.packs.manifest import write_manifest
from scenograph.packs.store import file_digest

FEEDS = {"x": np.arange(4, dtype=np.float32).reshape(2, 2)}
OUTPUTS = {"y": FEEDS["x"] * 2}


def make_pack(root: Path, name: str = "toy", version: str = "1.0.0-abc", day: int = 1) -> Pack:
    """Write a sound pack under `root`, built on a day of May 2024."""
    folder = root / name / version
    (folder / "parser").mkdir(parents=True)
    (folder / "double.onnx").write_bytes(b"a model" + version.encode())
    (folder / "parser" / "config.cfg").write_text("[nlp]\n", "utf-8")
    write_golden(folder / GOLDEN, {"double": (FEEDS, OUTPUTS)})
    tensor = [TensorSpec("x", "float32", ["batch", 2])]
    parity = Parity("torch", "two rows", 1e-7, 1e-5)
    model = Model(
        file="double.onnx",
        variant="fp32",
        inputs=tensor,
        outputs=[TensorSpec("y", "float32", ["batch", 2])],
        tolerance=1e-3,
        parity=[parity],
        measured={"cosine": 1.0},
    )
    files = ["double.onnx", "parser/config.cfg", GOLDEN]
    manifest = Manifest(
        format=FORMAT,
        name=name,
        version=version,
        built_at=datetime(2024, 5, day, tzinfo=UTC),
        opset=20,
        preprocessing=1,
        fusion={"coarse": 0.0, "float": 0.7, "graph": 0.3},
        labels={"objects": 80},
        sources=[Source("some-package", "1.2", "MIT", "weights", "0" * 64)],
        models={"double": model},
        files={file: file_digest(folder / file) for file in files},
    )
    write_manifest(folder, manifest)
    return open_pack(f"{name}@{version}", root)
