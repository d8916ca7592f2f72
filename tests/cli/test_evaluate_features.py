"""`scenograph evaluate hashing` and `real-valued`, from training to the files on disk."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support import data_folder

from scenograph.cli import features
from scenograph.cli.app import run
from scenograph.cli.reports.published import published
from scenograph.data.card import DatasetCard
from scenograph.data.contracts import FeatureSplit
from scenograph.data.tables import Features
from scenograph.methods.evaluation import evaluate_hashing, evaluate_real_valued
from scenograph.scene.errors import InvalidInput
from scenograph.train.run import train_method

CARD = DatasetCard("wikipedia", "Made", "features", "", ("train", "test"), "", (), "", "", "")


def read(split: str) -> FeatureSplit:
    """Two noisy views of one of four classes."""
    rng = np.random.default_rng(len(split))
    rows = 120 if split == "train" else 40
    labels = np.eye(4, dtype=bool)[rng.integers(0, 4, rows)]
    centres = np.random.default_rng(0)

    def view(columns: int) -> NDArray[np.float32]:
        noise = 0.7 * rng.normal(size=(rows, columns))
        return (labels @ centres.normal(size=(4, columns)) + noise).astype(np.float32)

    return FeatureSplit(tuple(f"{split}{row}" for row in range(rows)), view(24), view(20), labels)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Features:
    dataset = Features(CARD, CARD.splits, read)
    monkeypatch.setattr(features, "load_features", lambda name, root: dataset)
    return dataset


def test_hashing_reports_what_the_evaluator_measures(
    made: Features, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--method", "scm-seq", "--data", str(tmp_path), "--bits", "16,8"]
    with pytest.raises(SystemExit, match="0"):
        run(["evaluate", "hashing", *words, "--report", str(tmp_path / "out"), "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert [section["title"] for section in report["sections"]] == ["Paper protocol", "Inductive protocol"]
    table = report["sections"][1]["blocks"][0]
    assert [row[:2] for row in table["rows"]] == [["scm-seq", 8], ["scm-seq", 16]]
    trained = train_method("scm-seq", made.features("train"), bits=16, seed=0)
    to_text, to_image = evaluate_hashing(trained, made, 16, ["inductive"])
    assert "published MAP@ALL" in report["sections"][0]["blocks"][0]["columns"]
    assert "published MAP@ALL" not in table["columns"]  # papers print the other protocol
    assert table["rows"][1][2:4] == [to_text.score.ranking.map_all, to_image.score.ranking.map_all]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert f"{to_text.score.ranking.map_all:.3f}" in page
    assert "0.234 / 0.226" in page  # SCM-seq's printed figures at 16 bits
    assert "recalled, high" in page


def test_seeds_give_mean_and_spread(
    made: Features, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--method", "cvh", "--data", str(tmp_path), "--bits", "8", "--protocol", "inductive", "--json"]
    with pytest.raises(SystemExit, match="0"):
        run(["evaluate", "hashing", *words, "--seed", "0", "--seed", "3"])
    [section] = json.loads(capsys.readouterr().out)["sections"]
    table = section["blocks"][0]
    row = dict(zip(table["columns"], table["rows"][0], strict=True))
    trained = [train_method("cvh", made.features("train"), bits=8, seed=seed) for seed in (0, 3)]
    both = [evaluate_hashing(each, made, 8, ["inductive"]) for each in trained]
    maps = [results[0].score.ranking.map_all for results in both]
    assert row["I2T MAP@ALL"] == pytest.approx(np.mean(maps))
    assert row["I2T ±"] == pytest.approx(np.std(maps, ddof=1))


def test_real_valued_methods_are_shown_as_a_table(
    made: Features, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        run(["evaluate", "real-valued", "--method", "cca", "--data", str(tmp_path), "--dimension", "3"])
    trained = train_method("cca", made.features("train"), dimension=3, seed=0)
    shown = capsys.readouterr().out
    for result in evaluate_real_valued(trained, made):
        assert f"{result.score.map_all:.3f}" in shown
    assert "MAP@ALL" in shown and "Chance" in shown


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--method", "cvh", "--bits", "16,x"], "separated by commas"),
        (["--method", "cvh", "--protocol", "fair"], "paper, inductive"),
        (["--method", "cmhf"], "cmfh"),
        (["--method", "cvh", "--method", "cca"], "measure it by `evaluate real-valued`"),
        (["--method", "sgm"], "learns from photographs"),
    ],
)
def test_mistakes_are_told(
    made: Features, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], problem: str
) -> None:
    with pytest.raises(SystemExit, match="1"):
        run(["evaluate", "hashing", "--data", str(tmp_path), *words])
    assert problem in re.sub(r"\s+", " ", capsys.readouterr().err)


def test_codes_are_not_ranked_by_cosine(
    made: Features, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="1"):
        run(["evaluate", "real-valued", "--data", str(tmp_path), "--method", "cmfh"])
    assert "measure it by `evaluate hashing`" in re.sub(r"\s+", " ", capsys.readouterr().err)


def test_published_figures_are_looked_up_by_length() -> None:
    found = published("wikipedia", "cmfh", 32)
    assert found is not None and (found.image_to_text, found.text_to_image) == (0.2259, 0.5132)
    assert published("wikipedia", "cmfh", 128) is None
    assert published("wikipedia", "cmfh") is None
    real = published("wikipedia", "cca")
    assert real is not None and real.image_to_text == 0.249
    with pytest.raises(InvalidInput):
        features.check_bits("")


@pytest.mark.data
def test_cca_on_wikipedia_is_what_the_field_finds(capsys: pytest.CaptureFixture[str]) -> None:
    folder = data_folder("wikipedia").parent
    with pytest.raises(SystemExit, match="0"):
        run(["evaluate", "real-valued", "--method", "cca", "--data", str(folder), "--json"])
    row = json.loads(capsys.readouterr().out)["sections"][0]["blocks"][0]["rows"][0]
    assert 0.24 <= row[1] <= 0.27
    assert 0.18 <= row[2] <= 0.21
