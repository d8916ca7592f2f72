"""Packs on disk: `<root>/<name>/<version>/`."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from scenograph.packs.manifest import FILE_NAME, NAME, VERSION, Manifest, read_manifest
from scenograph.scene.errors import InvalidInput, PackCorrupt, PackNotFound


@dataclass(frozen=True, slots=True)
class Pack:
    """An installed pack: its folder and its manifest."""

    folder: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        """The pack's name ("default")."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """The pack's version ("0.1.0-1a2b3c4d")."""
        return self.manifest.version

    @property
    def id(self) -> str:
        """Name and version ("default@0.1.0-1a2b3c4d"): what codes and caches are marked with."""
        return f"{self.name}@{self.version}"

    def path(self, file: str) -> Path:
        """Full path of a file of the pack, or folder of files.  Errors: PackCorrupt when there is none."""
        if file not in self.manifest.files and not any(f.startswith(f"{file}/") for f in self.manifest.files):
            raise PackCorrupt(f"pack {self.id} has no file {file!r}")
        return self.folder / file

    def model_path(self, model: str) -> Path:
        """Full path of a model's ONNX file.  Errors: PackCorrupt when the pack has no such model."""
        if model not in self.manifest.models:
            known = ", ".join(sorted(self.manifest.models))
            raise PackCorrupt(f"pack {self.id} has no model {model!r}; it has {known}")
        return self.path(self.manifest.models[model].file)


def packs_root() -> Path:
    """Where packs are kept: environment SCENOGRAPH_PACKS, else the user's data folder."""
    configured = os.environ.get("SCENOGRAPH_PACKS")
    return Path(configured) if configured else platformdirs.user_data_path("scenograph") / "packs"


def list_packs(root: Path | None = None) -> list[Pack]:
    """Every readable pack, by name, newest build first. Folders without a sound manifest are left out."""
    packs = []
    for folder in _folders(root or packs_root()):
        try:
            packs.append(_load(folder))
        except PackCorrupt:
            continue
    return _newest_first(packs)


def open_pack(name: str, root: Path | None = None, *, verify: bool = True) -> Pack:
    """Open "name@version", or the newest build of "name"; `verify` checks every file's digest.

    Errors: PackNotFound (with what there is), PackCorrupt, InvalidInput (not a pack name).
    """
    root = root or packs_root()
    wanted, _, version = name.partition("@")
    if not NAME.fullmatch(wanted) or ("@" in name and not VERSION.fullmatch(version)):
        raise InvalidInput(f'"{name}" is not a pack name like "default" or "default@0.1.0"', field="pack")
    folders = [root / wanted / version] if version else _folders(root, wanted)
    packs = [_load(folder) for folder in folders if (folder / FILE_NAME).exists()]
    if not packs:
        there = ", ".join(pack.id for pack in list_packs(root)) or "none"
        raise PackNotFound(
            f'no pack "{name}" in {root} (there: {there}); "scenograph pack build" makes the default one'
        )
    pack = _newest_first(packs)[0]
    if verify:
        verify_pack(pack)
    return pack


def verify_pack(pack: Pack) -> None:
    """Compare every file with its digest.  Errors: PackCorrupt naming the first missing or changed file."""
    for file, digest in pack.manifest.files.items():
        path = pack.folder / file
        if not path.is_file():
            raise PackCorrupt(f"pack {pack.id}: file {file!r} is missing")
        if file_digest(path) != digest:
            raise PackCorrupt(
                f"pack {pack.id}: file {file!r} is not the one its manifest names (SHA-256 differs)"
            )


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folders(root: Path, name: str = "*") -> list[Path]:
    return sorted(
        path.parent for path in root.glob(f"{name}/*/{FILE_NAME}") if not path.parent.name.startswith(".")
    )


def _load(folder: Path) -> Pack:
    manifest = read_manifest(folder)
    if (folder.parent.name, folder.name) != (manifest.name, manifest.version):
        raise PackCorrupt(f"{folder}: its manifest says {manifest.name}@{manifest.version}")
    return Pack(folder, manifest)


def _newest_first(packs: list[Pack]) -> list[Pack]:
    newest_first = sorted(packs, key=lambda pack: pack.manifest.built_at, reverse=True)
    return sorted(newest_first, key=lambda pack: pack.name)
