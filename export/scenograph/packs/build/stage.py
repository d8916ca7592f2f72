"""A build as a list of stages, each kept once it is done."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from scenograph.packs.golden import Array, Golden, read_golden, write_golden
from scenograph.packs.manifest import Model, Parity, Source
from scenograph.packs.store import file_digest
from scenograph.packs.weights import FILE_NAME as RANKING_WEIGHTS
from scenograph.scene.errors import PackBuildFailed

Progress = Callable[[str, float], None]

# Packages of this project whose code or tables decide what a stage writes.
_CODE = (
    "scenograph.onnx",
    "scenograph.packs.build",
    "scenograph.packs.heads",
    "scenograph.nn",
    "scenograph.prep",
    "scenograph.scene.vocabulary",
)
# Packages whose version can change the bytes of what a stage writes.
_TOOLS = ("torch", "torch-geometric", "onnx", "onnxscript", "onnxruntime", "numpy", "opencv-python-headless")


@dataclass(frozen=True, slots=True)
class Result:
    """What a stage made: files (paths in the pack), models, and recorded inputs and outputs of the models."""

    files: Sequence[str]
    models: Mapping[str, Model] = field(default_factory=dict)
    golden: Mapping[str, tuple[Mapping[str, Array], Mapping[str, Array]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a build. `share` is its part of the whole build's time, for the progress bar."""

    name: str
    title: str
    share: float
    run: Callable[[Path], Result]


class Record(msgspec.Struct):
    """A finished stage, as kept in the work folder: the key it was made under and its files' digests."""

    key: str
    files: dict[str, str]
    models: dict[str, Model]


def run_stages(
    stages: Sequence[Stage],
    work: Path,
    recipe: str,
    sources: Sequence[Source],
    progress: Progress | None = None,
) -> tuple[dict[str, Record], Golden]:
    """Run the stages in order in the folder `work`, skipping those already done from the same inputs.

    Returns each stage's record and all golden arrays. A stage's key covers the sources, the recipe's code,
    the tools' versions and the stages before it, so whatever could change its files runs it again.
    """
    state = work / ".stages"
    state.mkdir(parents=True, exist_ok=True)
    key = _digest([recipe, *(f"{s.package} {s.version} {s.sha256}" for s in sources)])
    records: dict[str, Record] = {}
    golden: Golden = {}
    total, done = sum(stage.share for stage in stages), 0.0
    for stage in stages:
        if progress:
            progress(stage.title, done / total)
        key = _digest([key, stage.name])
        record = _finished(stage, work, key)
        if record is None:
            result = stage.run(work)
            write_golden(state / f"{stage.name}.npz", result.golden)
            files = {file: file_digest(work / file) for file in sorted(result.files)}
            record = Record(key, files, dict(result.models))
            part = state / f"{stage.name}.part"
            part.write_bytes(msgspec.json.encode(record))
            part.replace(state / f"{stage.name}.json")
        records[stage.name] = record
        golden.update(read_golden(state / f"{stage.name}.npz"))
        done += stage.share
    return records, golden


def check(model: str, parity: Parity) -> Parity:
    """The comparison itself, if it kept its limit.  Errors: PackBuildFailed."""
    if not parity.max_abs_error <= parity.limit:
        raise PackBuildFailed(
            f"{model} differs from {parity.reference} by {parity.max_abs_error:.3g} on {parity.on}; "
            f"at most {parity.limit:.3g} is allowed"
        )
    return parity


def recipe_digest(stages: Sequence[Stage]) -> str:
    """Digest of the stages, of the code that builds packs, and of the versions of the tools it uses.

    The ranking's weights are not in it: they go into the manifest, and no stage reads them.
    """
    files = [
        (f"{package}/{path.relative_to(folder).as_posix()}", path)
        for package in _CODE
        for folder in map(Path, importlib.import_module(package).__path__)
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and path.name != RANKING_WEIGHTS
    ]
    code = [f"{name} {file_digest(path)}" for name, path in sorted(files)]
    names = [stage.name for stage in stages]
    return _digest(names + code + [f"{tool} {_version(tool)}" for tool in _TOOLS])


def _finished(stage: Stage, work: Path, key: str) -> Record | None:
    try:
        record = msgspec.json.decode((work / ".stages" / f"{stage.name}.json").read_bytes(), type=Record)
    except (OSError, msgspec.MsgspecError):
        return None
    if record.key != key:
        return None
    whole = all(
        (work / f).is_file() and file_digest(work / f) == digest for f, digest in record.files.items()
    )
    return record if whole else None


def _version(tool: str) -> str:
    try:
        return importlib.metadata.version(tool)
    except importlib.metadata.PackageNotFoundError:
        return "of another name"  # OpenCV goes by several


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
