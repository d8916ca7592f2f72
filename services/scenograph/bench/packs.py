"""A pack under another version, for benchmarks of switching: alike in all but the bytes of its models."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import msgspec

from scenograph.packs import Pack
from scenograph.packs.manifest import write_manifest
from scenograph.packs.store import file_digest

_DOC_STRING = 6
"""The field of ONNX's ModelProto that holds a text for people."""


def another_version(pack: Pack, root: Path, version: str, *, same_models: bool = False) -> Pack:
    """A copy of a pack under `root`, with another version.

    Each model's file gets a text for people, so that it has another digest and its session cannot be shared
    with the pack's own; `same_models` leaves them as they are.
    """
    folder = root / pack.name / version
    shutil.copytree(pack.folder, folder)
    files = dict(pack.manifest.files)
    if not same_models:
        for model in pack.manifest.models.values():
            with (folder / model.file).open("ab") as file:
                file.write(_field(_DOC_STRING, version.encode()))
            files[model.file] = file_digest(folder / model.file)
    manifest = msgspec.structs.replace(pack.manifest, version=version, files=files)
    write_manifest(folder, manifest)
    return replace(pack, folder=folder, manifest=manifest)


def _field(number: int, value: bytes) -> bytes:
    """A field of a protobuf message; one at the end of a message takes the place of those before it."""
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value
