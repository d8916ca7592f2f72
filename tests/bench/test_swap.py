"""`scenograph bench swap`: a pack of other bytes that answers alike, and a run that tells what it did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scenograph.bench.packs import another_version
from scenograph.bench.swap import BACK, BEFORE, DURING, SWITCHED, Phase, Swap
from scenograph.cli.app import run
from scenograph.packs import Pack, verify_pack
from scenograph.runtime.sessions import Sessions


def test_another_version_answers_alike_and_shares_nothing(default_pack: Pack, tmp_path: Path) -> None:
    other = another_version(default_pack, tmp_path, "99.0.0")
    verify_pack(other)
    files = {model.file for model in other.manifest.models.values()}
    changed = {
        file for file, digest in other.manifest.files.items() if digest != default_pack.manifest.files[file]
    }
    assert changed == files
    sessions = Sessions(other)
    try:
        sessions.check(["hash_head", "text_head"])
    finally:
        sessions.close()


def test_ratios_are_to_the_time_before() -> None:
    phases = (Phase("Search", BEFORE, 10, 0, 1.0, 4.0), Phase("Search", DURING, 10, 0, 1.0, 6.0))
    assert Swap(phases, (), 0, "").ratio("Search", DURING) == 1.5
    assert Swap((Phase("Rank", BEFORE, 0, 0, 0.0, 0.0),), (), 0, "").ratio("Rank", BEFORE) == 0.0


def test_a_swap_under_load(default_pack: Pack, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["bench", "swap", "--rounds", "1", "--seconds", "1", "--rate", "4", "--same-models", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert not ended.value.code
    text = json.dumps(report)
    assert all(f'"{name}"' in text for name in (BEFORE, DURING, SWITCHED, BACK, "Search", "Rank"))
