"""`pack.toml`: what is in a pack, where it came from, and how well it was found to work."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path, PurePosixPath

import msgspec

from scenograph.scene.errors import PackCorrupt

FORMAT = 1
FILE_NAME = "pack.toml"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
LEVEL_NAMES = ("scene", "object", "relation", "label")
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]{1,64})?")


class TensorSpec(msgspec.Struct, frozen=True):
    """One input or output of a model; a dynamic size is its name ("batch")."""

    name: str
    dtype: str
    shape: list[int | str]


class Parity(msgspec.Struct, frozen=True):
    """One comparison made at the build: the greatest absolute difference found, and the limit it kept."""

    reference: str
    on: str
    max_abs_error: float
    limit: float


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One ONNX file. `tolerance` is how far its answers to golden.npz may lie from those recorded, and
    `tolerances` the same of single outputs.
    """

    file: str
    variant: str
    inputs: list[TensorSpec]
    outputs: list[TensorSpec]
    tolerance: float
    parity: list[Parity]
    measured: dict[str, float] = {}
    tolerances: dict[str, float] = {}


class Source(msgspec.Struct, frozen=True):
    """A package whose weights or files went in."""

    package: str
    version: str
    licence: str
    part: str
    sha256: str


class Level(msgspec.Struct, frozen=True):
    """A part of every embedding and code: components [start, stop), ranges of bits [start, stop).

    The embedding is the levels' unit vectors side by side, each times the root of its `weight`, so that the
    dot product of two embeddings is the weighted mean of the levels' cosines. The weights' sum is 1. A
    shorter code has those of the bits that it is long enough for.
    """

    name: str
    start: int
    stop: int
    weight: float
    bits: list[tuple[int, int]]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of `pack.toml`. `files` has every file's SHA-256 but the manifest's own.

    `fusion` weighs the stages in the final score, `match` the learned and the symbolic matcher in the graph
    stage's; a pack without `match` weighs these two alike.

    `recipe` is the digest of the code and tools that built the pack. `levels` lie in order without gaps; a
    pack without any has one, the scene's, of everything.
    """

    format: int
    name: str
    version: str
    built_at: datetime
    opset: int
    preprocessing: int
    fusion: dict[str, float]
    match: dict[str, float] = {}
    labels: dict[str, int]
    sources: list[Source]
    models: dict[str, Model]
    files: dict[str, str]
    recipe: str = ""
    levels: list[Level] = []


def read_manifest(folder: Path) -> Manifest:
    """Read a pack folder's manifest.  Errors: PackCorrupt (missing, not TOML, wrong fields, newer format)."""
    path = folder / FILE_NAME
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PackCorrupt(f"{path}: cannot be read: {error.strerror}") from None
    try:
        version = msgspec.toml.decode(data, type=_Format).format
        if version > FORMAT:
            raise PackCorrupt(f"{path}: format {version} is newer than this scenograph reads ({FORMAT})")
        manifest = msgspec.toml.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise PackCorrupt(f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise PackCorrupt(f"{path}: not UTF-8 text") from None
    _check_names(path, manifest)
    _check_levels(path, manifest.levels)
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `pack.toml` in one atomic step."""
    path = folder / FILE_NAME
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.toml.encode(manifest))
    part.replace(path)


class _Format(msgspec.Struct):
    format: int


def _check_levels(path: Path, levels: list[Level]) -> None:
    """Refuse levels of unknown names, with gaps or overlaps, or with weights that are no shares."""
    names = [level.name for level in levels]
    if len(set(names)) < len(names) or not set(names) <= set(LEVEL_NAMES):
        raise PackCorrupt(f"{path}: levels {names}; there are {', '.join(LEVEL_NAMES)}, each at most once")
    ends = [0, *(level.stop for level in levels)]
    if any(not start == level.start < level.stop for start, level in zip(ends, levels, strict=False)):
        raise PackCorrupt(f"{path}: the levels' components leave a gap or overlap")
    ranges = sorted(tuple(bits) for level in levels for bits in level.bits)
    stops = [0, *(stop for _, stop in ranges)]
    if any(not stop <= first < last for stop, (first, last) in zip(stops, ranges, strict=False)):
        raise PackCorrupt(f"{path}: the levels' bits overlap, or a range is empty")
    weights = [level.weight for level in levels]
    if levels and not (min(weights) > 0 and abs(sum(weights) - 1) < 1e-6):
        raise PackCorrupt(f"{path}: the levels' weights {weights} are not shares of 1")


def _check_names(path: Path, manifest: Manifest) -> None:
    """Refuse a manifest whose names could lead outside its folder, or whose models have no digest."""
    if not NAME.fullmatch(manifest.name) or not VERSION.fullmatch(manifest.version):
        raise PackCorrupt(f"{path}: {manifest.name}@{manifest.version} is not a pack's name and version")
    for file in manifest.files:
        parts = PurePosixPath(file).parts
        if not parts or PurePosixPath(file).is_absolute() or ".." in parts or "\\" in file:
            raise PackCorrupt(f"{path}: file {file!r} is not inside the pack")
    for name, model in manifest.models.items():
        if model.file not in manifest.files:
            raise PackCorrupt(f"{path}: no digest for {model.file!r} of model {name!r}")
