"""A pack under another version, for tests of several packs: its files are links to the pack's own."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec

from scenograph.packs import Pack
from scenograph.packs.manifest import write_manifest


def linked_version(pack: Pack, root: Path, version: str) -> Pack:
    """The pack under `root` with that version."""
    folder = root / pack.name / version
    shutil.copytree(pack.folder, folder, copy_function=os.symlink)
    manifest = msgspec.structs.replace(pack.manifest, version=version)
    write_manifest(folder, manifest)  # it takes the link's place
    return replace(pack, folder=folder, manifest=manifest)


def break_file(pack: Pack, file: str) -> None:
    """Has other bytes in a file's place."""
    (pack.folder / file).unlink()
    (pack.folder / file).write_bytes(b"damaged")
