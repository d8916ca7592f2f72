"""`scenograph evaluate parser` against a real server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scenograph.cli.app import run
from scenograph.cli.parsing import check_parsers, pack_lemma
from scenograph.cli.server_process import ServerProcess
from scenograph.packs import Pack

GOLD = """image_id,region_id,caption,scene_graph
1,1,a dog on a sofa,"( dog , on , sofa )"
1,2,two black cats,"( cat , is , black ) , ( cats , is , 2 )"
2,3,a horse in a green field,"( horse , fly over , town ) , ( field , is , green )"
"""


def test_parsers_have_names() -> None:
    assert check_parsers(["rules", "neural", "rules"]) == ["rules", "neural"]
    with pytest.raises(ValueError, match="neural, rules"):
        check_parsers(["stanford"])


@pytest.mark.pack
def test_nouns_are_lemmatised_by_the_pack_s_tables(default_pack: Pack) -> None:
    lemma = pack_lemma()
    words = {"dogs": "dog", "buses": "bus", "feet": "foot", "skis": "ski", "sky": "sky", "men": "men"}
    assert {word: lemma(word) for word in words} == words  # "men" is a noun of WordNet's own


@pytest.mark.pack
def test_the_rules_are_scored(
    server: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "gold.csv"
    file.write_text(GOLD, encoding="utf-8")
    words = ["--data", str(file), "--parser", "rules", "--server", server.address]
    with pytest.raises(SystemExit, match="0"):
        run(["evaluate", "parser", *words, "--json", "--report", str(tmp_path / "out")])
    scores, wrong = json.loads(capsys.readouterr().out)["sections"]
    parser, exact, partial, milliseconds = scores["blocks"][0]["rows"][0]
    assert parser == "rules" and 0 < milliseconds < 10_000
    assert exact == pytest.approx(200 / 3)  # lemmas match "cats" and "cat"; the horse flies nowhere
    assert exact < partial < 100
    assert [row[0] for row in wrong["blocks"][0]["rows"]][-1] == "a horse in a green field"
    assert "Flan-T5 base" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
