"""Packs on disk: found by name and version, refused when anything in them was changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.packs.small_pack import make_pack

from scenograph.packs import list_packs, open_pack, packs_root, verify_pack
from scenograph.scene.errors import InvalidInput, PackCorrupt, PackNotFound


def test_opens_by_name_and_version(tmp_path: Path) -> None:
    pack = make_pack(tmp_path)
    assert pack.id == "toy@1.0.0-abc"
    assert pack.manifest.fusion == {"coarse": 0.0, "float": 0.7, "graph": 0.3}
    assert pack.model_path("double").read_bytes().startswith(b"a model")
    assert pack.path("parser").is_dir()
    assert open_pack("toy", tmp_path) == pack
    assert open_pack("toy@1.0.0-abc", tmp_path) == pack


def test_a_name_alone_means_the_newest_build(tmp_path: Path) -> None:
    make_pack(tmp_path, version="2.0.0", day=3)
    newest = make_pack(tmp_path, version="1.5.0", day=9)
    make_pack(tmp_path, version="3.0.0", day=5)
    make_pack(tmp_path, name="other", version="9.0.0", day=20)
    assert open_pack("toy", tmp_path) == newest
    assert [pack.id for pack in list_packs(tmp_path)] == [
        "other@9.0.0",
        "toy@1.5.0",
        "toy@3.0.0",
        "toy@2.0.0",
    ]


def test_missing_packs_name_those_there(tmp_path: Path) -> None:
    make_pack(tmp_path)
    with pytest.raises(PackNotFound, match=r"there: toy@1\.0\.0-abc.*scenograph pack build"):
        open_pack("default", tmp_path)
    with pytest.raises(PackNotFound, match="toy@7"):
        open_pack("toy@7.0.0", tmp_path)
    with pytest.raises(PackNotFound, match="none"):
        open_pack("default", tmp_path / "nowhere")
    assert list_packs(tmp_path / "nowhere") == []


@pytest.mark.parametrize("name", ["", "../toy", "toy@../../x", "Toy", "toy@", "a/b", "toy@1"])
def test_refuses_names_that_are_no_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="not a pack name"):
        open_pack(name, tmp_path)


def test_refuses_a_changed_file(tmp_path: Path) -> None:
    pack = make_pack(tmp_path)
    (pack.folder / "double.onnx").write_bytes(b"another model")
    with pytest.raises(PackCorrupt, match=r"'double.onnx' is not the one"):
        open_pack("toy", tmp_path)
    with pytest.raises(PackCorrupt):
        verify_pack(pack)
    assert open_pack("toy", tmp_path, verify=False) == pack


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    pack = make_pack(tmp_path)
    (pack.folder / "parser" / "config.cfg").unlink()
    with pytest.raises(PackCorrupt, match=r"'parser/config.cfg' is missing"):
        open_pack("toy", tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 2", "newer than this scenograph reads"),
        ("format = 1", "format = ", "pack.toml"),
        ("format = 1", "forma = 1", "format"),
        ('version = "1.0.0-abc"', 'version = "1.0.1"', "its manifest says toy@1.0.1"),
        ('version = "1.0.0-abc"', 'version = "../1"', "not a pack's name and version"),
        ('"parser/config.cfg" =', '"../../secret" =', "not inside the pack"),
        ('"parser/config.cfg" =', '"/etc/passwd" =', "not inside the pack"),
        ('file = "double.onnx"', 'file = "triple.onnx"', "no digest for 'triple.onnx'"),
        ("tolerance = 0.001", 'tolerance = "high"', "tolerance"),
    ],
)
def test_refuses_a_tampered_manifest(tmp_path: Path, old: str, new: str, message: str) -> None:
    pack = make_pack(tmp_path)
    path = pack.folder / "pack.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(PackCorrupt, match=message):
        open_pack("toy", tmp_path)
    assert list_packs(tmp_path) == []


def test_refuses_a_manifest_that_is_not_text(tmp_path: Path) -> None:
    pack = make_pack(tmp_path)
    (pack.folder / "pack.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PackCorrupt):
        open_pack("toy", tmp_path)


def test_names_the_models_it_has(tmp_path: Path) -> None:
    pack = make_pack(tmp_path)
    with pytest.raises(PackCorrupt, match="no model 'triple'; it has double"):
        pack.model_path("triple")
    with pytest.raises(PackCorrupt, match=r"no file 'else\.txt'"):
        pack.path("else.txt")


def test_root_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENOGRAPH_PACKS", str(tmp_path))
    pack = make_pack(tmp_path)
    assert packs_root() == tmp_path
    assert open_pack("toy") == pack
    monkeypatch.delenv("SCENOGRAPH_PACKS")
    assert packs_root().parts[-2:] == ("scenograph", "packs")
