"""`scenograph pack weigh`: its scores are those that a server ranks by, its file is what a build reads."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from scenograph.cli.app import run
from scenograph.cli.server_process import ServerProcess
from scenograph.cli.weighing import SCORES, Scores
from scenograph.cli.weighing_fit import fitted
from scenograph.client import Client, Item
from scenograph.client.arguments import SearchArguments
from scenograph.metrics.fusion import Pairs, Ranked
from scenograph.packs.weights import read_weights


def _made(queries: int, signal: tuple[float, ...], seed: int) -> Ranked:
    rng = np.random.default_rng(seed)
    right = np.zeros((queries, 20), dtype=bool)
    right[np.arange(queries), rng.integers(20, size=queries)] = True
    return Ranked(rng.standard_normal((queries, 20, 4)) + right[:, :, None] * np.array(signal), right)


def test_scores_come_back_from_their_file(tmp_path: Path) -> None:
    pairs = {"swap_object": Pairs(np.ones((3, 4)), np.zeros((3, 4)))}
    scores = Scores("default@1", {"a": _made(5, (0, 1, 1, 1), 0)}, pairs, {"b": _made(2, (0, 0, 0, 1), 1)})
    scores.save(tmp_path / "scores.npz")
    read = Scores.load(tmp_path / "scores.npz")
    assert read.pack == "default@1" and list(read.searches) == ["a"] and list(read.must) == ["b"]
    np.testing.assert_array_equal(read.searches["a"].scores, scores.searches["a"].scores)
    np.testing.assert_array_equal(read.must["b"].right, scores.must["b"].right)
    np.testing.assert_array_equal(read.pairs["swap_object"].true, np.ones((3, 4)))


def test_the_symbolic_match_keeps_its_share() -> None:
    searches = {"text to image": _made(300, (0.0, 1.5, 1.5, -0.5), 2)}  # here it misleads
    weights, figures = fitted(Scores("default@1", searches), least_symbolic=0.4)
    assert weights.sum() == pytest.approx(1) and weights[3] >= 0.4 * (weights[2] + weights[3]) - 1e-9
    free, _ = fitted(Scores("default@1", searches), least_symbolic=0.0)
    assert free[3] == 0
    assert figures["fitted"]["T2I R@1"] > figures["symbolic"]["T2I R@1"]
    assert figures["half 1: cosine"].keys() == {"T2I R@1", "T2I R@5", "T2I R@10"}


@pytest.mark.pack
def test_what_is_scored_is_what_a_server_ranks_by(
    server: ServerProcess,
    sample_items: dict[str, tuple[Path, str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    chosen = dict(list(sample_items.items())[:4])
    lines = [{"image": str(path), "captions": [text], "split": "dev"} for path, text in chosen.values()]
    file = tmp_path / "captions.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    words = ["pack", "weigh", "--captions", str(file), "--words-split", "dev", "--json"]
    words += ["--scores", str(tmp_path / "scores.npz"), "--out", str(tmp_path / "fusion.toml")]
    with pytest.raises(SystemExit, match="0"):
        run(words)
    told = json.loads(capsys.readouterr().out)
    weights = read_weights(tmp_path / "fusion.toml")
    assert (told["fusion"], told["match"]) == (weights.fusion, weights.match)
    assert tomllib.loads((tmp_path / "fusion.toml").read_text())["fit"]["photos"] == 4
    scores = Scores.load(tmp_path / "scores.npz")
    with Client(server.address) as client:
        client.create_collection("weighed")
        items = [Item(name, path, [text]) for name, (path, text) in chosen.items()]
        assert all(status.ok for status in client.ingest("weighed", items))
        for direction in ("text to image", "image to text"):
            for row, (name, (_, text)) in enumerate(chosen.items()):
                query: SearchArguments = {"text": text} if direction == "text to image" else {"item_id": name}
                query["returning"] = "image" if direction == "text to image" else "text"
                query["match_weights"] = {"learned": 1.0, "symbolic": 1.0}
                page = client.search("weighed", **query)
                found = sorted((hit.parts.coarse, hit.parts.cosine, hit.parts.graph) for hit in page)
                own = scores.searches[direction].scores[row]
                graph = (own[:, SCORES.index("learned")] + own[:, SCORES.index("symbolic")]) / 2
                scored = sorted(zip(own[:, 0], own[:, 1], graph, strict=True))
                np.testing.assert_allclose(scored, found, atol=1e-5)
    assert scores.searches["text to image"].right.sum() == 4 and scores.must["text to image"].right.sum() > 15
