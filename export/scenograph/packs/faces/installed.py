"""The face detector on disk: `centerface.onnx`, its licence, and `centerface.toml`, which says what it is
made of and has its digest.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from scenograph.packs.manifest import Source
from scenograph.packs.store import packs_root
from scenograph.scene.errors import NoFaceDetector

FORMAT = 1


class DetectorManifest(msgspec.Struct, frozen=True):
    """`sha256` is the detector's, `source` has that of the weights it was made of."""

    format: int
    sha256: str
    source: Source


def detector_file(root: Path | None = None) -> Path:
    """Where the detector is in a folder of packs, or in the configured one."""
    return (root or packs_root()) / "faces" / "centerface.onnx"


def manifest_file(detector: Path) -> Path:
    """The manifest that belongs to a detector."""
    return detector.with_suffix(".toml")


def read_manifest(detector: Path) -> DetectorManifest:
    """What a detector is made of.  Errors: NoFaceDetector (there is none; not TOML; another format)."""
    try:
        manifest = msgspec.toml.decode(_read(manifest_file(detector)), type=DetectorManifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _refused(f"{manifest_file(detector)} is damaged: {error}") from None
    if manifest.format != FORMAT:
        raise _refused(f"{detector} has format {manifest.format}, this scenograph reads {FORMAT}")
    return manifest


def read_detector(detector: Path) -> bytes:
    """The detector's model, an ONNX file, checked.  Errors: NoFaceDetector (there is none; it is damaged)."""
    manifest, model = read_manifest(detector), _read(detector)
    if hashlib.sha256(model).hexdigest() != manifest.sha256:
        raise _refused(f"{detector} is not the one its manifest names (SHA-256 differs)")
    return model


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _refused(f"{path}: {error.strerror}") from None


def _refused(reason: str) -> NoFaceDetector:
    return NoFaceDetector(f'no faces can be blurred: {reason}; "scenograph pack faces" makes the detector')
