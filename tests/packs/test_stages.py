"""Stages of a build: done once, again when what they come from changes, resumed after an interruption."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scenograph.packs.build import default
from scenograph.packs.build import sources as source_packages
from scenograph.packs.build.default import build_default_pack
from scenograph.packs.build.sources import SourcePackage
from scenograph.packs.build.stage import Result, Stage, check, run_stages
from scenograph.packs.manifest import Parity, Source
from scenograph.packs.store import open_pack
from scenograph.packs.weights import RankingWeights, read_weights, write_weights
from scenograph.scene.errors import PackBuildFailed, PackCorrupt

SOURCES = [Source("weights", "1.0", "MIT", "all", "0" * 64)]


class Log(list[str]):
    """Names of the stages that ran."""

    def stage(self, name: str, *, fail: bool = False) -> Stage:
        def run(work: Path) -> Result:
            self.append(name)
            if fail:
                raise PackBuildFailed(f"{name} stopped")
            (work / f"{name}.txt").write_text(name, "utf-8")
            golden = {name: ({"x": np.ones(2)}, {"y": np.zeros(3)})}
            return Result([f"{name}.txt"], {}, golden)

        return Stage(name, f"Doing {name}", 1.0, run)


def test_finished_stages_are_skipped(tmp_path: Path) -> None:
    log, seen = Log(), []
    stages = [log.stage("a"), log.stage("b")]
    first = run_stages(stages, tmp_path, "recipe", SOURCES, lambda what, part: seen.append((what, part)))
    again = run_stages(stages, tmp_path, "recipe", SOURCES)
    assert log == ["a", "b"]
    assert seen == [("Doing a", 0.0), ("Doing b", 0.5)]
    assert again[0] == first[0]
    assert again[1].keys() == {"a", "b"}


def test_goes_on_where_it_stopped(tmp_path: Path) -> None:
    log = Log()
    with pytest.raises(PackBuildFailed, match="b stopped"):
        run_stages([log.stage("a"), log.stage("b", fail=True), log.stage("c")], tmp_path, "r", SOURCES)
    run_stages([log.stage("a"), log.stage("b"), log.stage("c")], tmp_path, "r", SOURCES)
    assert log == ["a", "b", "b", "c"]


def drop_file(work: Path) -> None:
    (work / "a.txt").unlink()


def change_file(work: Path) -> None:
    (work / "a.txt").write_text("changed", "utf-8")


def break_record(work: Path) -> None:
    (work / ".stages" / "a.json").write_bytes(b"{")


@pytest.mark.parametrize("damage", [drop_file, change_file, break_record])
def test_a_damaged_stage_runs_again(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    log = Log()
    run_stages([log.stage("a")], tmp_path, "r", SOURCES)
    damage(tmp_path)
    run_stages([log.stage("a")], tmp_path, "r", SOURCES)
    assert log == ["a", "a"]
    assert (tmp_path / "a.txt").read_text("utf-8") == "a"


@pytest.mark.parametrize(
    ("recipe", "sources"),
    [("other", SOURCES), ("r", [Source("weights", "1.1", "MIT", "all", "0" * 64)]), ("r", [])],
)
def test_other_inputs_run_all_again(tmp_path: Path, recipe: str, sources: list[Source]) -> None:
    log = Log()
    run_stages([log.stage("a"), log.stage("b")], tmp_path, "r", SOURCES)
    run_stages([log.stage("a"), log.stage("b")], tmp_path, recipe, sources)
    assert log == ["a", "b", "a", "b"]


def test_a_stray_model_fails_the_build() -> None:
    assert check("detector", Parity("torch", "photos", 1e-6, 1e-5)).limit == 1e-5
    for error in (2e-5, float("inf"), float("nan")):
        with pytest.raises(PackBuildFailed, match=r"detector differs from torch by .* on photos"):
            check("detector", Parity("torch", "photos", error, 1e-5))


def test_a_missing_source_names_the_extra() -> None:
    missing = SourcePackage("no-such-weights", "no_such_weights", "MIT", "nothing")
    with pytest.raises(PackBuildFailed, match=r'no-such-weights: install "scenograph\[pack\]"'):
        missing.folder()


def test_a_missing_tool_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_packages, "TOOLS", ("no_such_tool",))
    with pytest.raises(PackBuildFailed, match=r'no_such_tool: install "scenograph\[pack\]"'):
        source_packages.check_sources()


def test_a_changed_source_is_refused() -> None:
    changed = SourcePackage("numpy", "numpy", "BSD", "all", {"code": ("__init__.py", "0" * 64)})
    with pytest.raises(PackBuildFailed, match=r"does not carry the __init__\.py that this scenograph knows"):
        changed.file("code")


@pytest.fixture
def no_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_packages, "ALL", ())


@pytest.mark.usefixtures("no_sources")
def test_whole_build_of_small_stages(tmp_path: Path) -> None:
    log, seen = Log(), []
    stages = [log.stage("a"), log.stage("b")]
    pack = build_default_pack(tmp_path, lambda what, part: seen.append(part), stages=stages)
    assert open_pack("default", tmp_path) == pack
    assert sorted(pack.manifest.files) == ["a.txt", "b.txt", "golden.npz"]
    assert sorted(path.name for path in (tmp_path / "default").iterdir()) == [".build.lock", pack.version]
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    # Nothing is done a second time, unless the pack was damaged; the version stays the same.
    assert build_default_pack(tmp_path, stages=stages) == pack
    assert log == ["a", "b"]
    (pack.folder / "a.txt").write_text("changed", "utf-8")
    with pytest.raises(PackCorrupt):
        open_pack("default", tmp_path)
    assert build_default_pack(tmp_path, stages=stages).version == pack.version
    assert log == ["a", "b", "a", "b"]
    open_pack("default", tmp_path)


@pytest.mark.usefixtures("no_sources")
def test_other_weights_make_the_manifest_anew_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, weights = Log(), read_weights()
    stages = [log.stage("a"), log.stage("b")]
    first = build_default_pack(tmp_path, stages=stages)
    assert (first.manifest.fusion, first.manifest.match) == (weights.fusion, weights.match)
    others = RankingWeights(
        fusion={"coarse": 0.1, "float": 0.2, "graph": 0.7}, match={"learned": 0.25, "symbolic": 0.75}
    )
    write_weights(tmp_path / "fusion.toml", others)
    monkeypatch.setattr(default, "read_weights", lambda: read_weights(tmp_path / "fusion.toml"))
    second = build_default_pack(tmp_path, stages=stages)
    assert log == ["a", "b"] and second.version != first.version
    assert (second.manifest.fusion, second.manifest.match) == (others.fusion, others.match)
    assert second.manifest.files == first.manifest.files and open_pack("default", tmp_path) == second
    monkeypatch.undo()
    monkeypatch.setattr(source_packages, "ALL", ())
    assert build_default_pack(tmp_path, stages=stages).version == first.version and log == ["a", "b"]


@pytest.mark.parametrize(
    "text",
    [
        "[fusion]\ncoarse = 0.0\nfloat = 1.0\n[match]\nlearned = 0.5\nsymbolic = 0.5\n",
        "[fusion]\ncoarse = 0.0\nfloat = 1.0\ngraph = -0.1\n[match]\nlearned = 0.5\nsymbolic = 0.5\n",
        "[fusion]\ncoarse = 0.0\nfloat = 1.0\ngraph = 0.3\n[match]\nlearned = 0.0\nsymbolic = 0.0\n",
        "fusion = 3\n",
    ],
)
def test_weights_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "fusion.toml").write_text(text, "utf-8")
    with pytest.raises(PackBuildFailed, match=r"fusion\.toml"):
        read_weights(tmp_path / "fusion.toml")
    with pytest.raises(PackBuildFailed, match="cannot be read"):
        read_weights(tmp_path / "none.toml")


@pytest.mark.usefixtures("no_sources")
def test_one_build_at_a_time(tmp_path: Path) -> None:
    def build_inside(work: Path) -> Result:
        build_default_pack(tmp_path, stages=[])
        return Result([])

    with pytest.raises(PackBuildFailed, match="another build"):
        build_default_pack(tmp_path, stages=[Stage("a", "Doing a", 1.0, build_inside)])
