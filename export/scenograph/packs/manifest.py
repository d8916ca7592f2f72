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
    """One ONNX file. `tolerance` is how far its answers to golden.npz may lie from those recorded."""

    file: str
    variant: str
    inputs: list[TensorSpec]
    outputs: list[TensorSpec]
    tolerance: float
    parity: list[Parity]
    measured: dict[str, float] = {}


class Source(msgspec.Struct, frozen=True):
    """A package whose weights or files went in."""

    package: str
    version: str
    licence: str
    part: str
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of `pack.toml`. `files` has every file's SHA-256 but the manifest's own.

    `recipe` is the digest of the code and tools that built the pack.
    """

    format: int
    name: str
    version: str
    built_at: datetime
    opset: int
    preprocessing: int
    fusion: dict[str, float]
    labels: dict[str, int]
    sources: list[Source]
    models: dict[str, Model]
    files: dict[str, str]
    recipe: str = ""


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
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `pack.toml` in one atomic step."""
    path = folder / FILE_NAME
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.toml.encode(manifest))
    part.replace(path)


class _Format(msgspec.Struct):
    format: int


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
