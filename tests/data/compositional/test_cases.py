"""Cases on disk, SugarCrepe's layout, the interval of a share, and the judge that never looks."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from scenograph.data.compositional import (
    KINDS,
    Blind,
    Case,
    Corpus,
    by_kind,
    make_cases,
    read_cases,
    read_sugarcrepe,
    write_cases,
)
from scenograph.data.compositional.accuracy import accuracy, wilson
from scenograph.scene.errors import InvalidInput
from scenograph.scene.graph import Edge, Node, SceneGraph, Span


def test_cases_keep(tmp_path: Path) -> None:
    cases = [Case("negate", "a/é.jpg", 'A "dog" .', "No dog .", "dog", "no dog"), Case("x", "b", "c", "d")]
    write_cases(tmp_path / "cases.jsonl", cases)
    assert read_cases(tmp_path / "cases.jsonl") == cases


@pytest.mark.parametrize("line", ['{"kind": "negate"}', "[1, 2]", "nonsense"])
def test_wrong_case_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "cases.jsonl").write_text(f"\n{line}\n")
    with pytest.raises(InvalidInput, match=r"cases\.jsonl, line 2: not a case"):
        read_cases(tmp_path / "cases.jsonl")


def test_sugarcrepe(tmp_path: Path) -> None:
    entry = {"filename": "000000085329.jpg", "caption": "a dog", "negative_caption": "a cat"}
    (tmp_path / "replace_obj.json").write_text(json.dumps({"0": entry, "1": {**entry, "caption": "dogs"}}))
    (tmp_path / "add_att.json").write_text(json.dumps([entry]))  # some copies are lists
    cases = read_sugarcrepe(tmp_path)
    assert [case.kind for case in cases] == ["replace_object", "replace_object", "add_attribute"]
    assert cases[0] == Case("replace_object", "000000085329.jpg", "a dog", "a cat")
    assert {case.kind for case in cases} <= set(KINDS)


def test_wrong_sugarcrepe(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"holds none of SugarCrepe's files: swap_obj\.json"):
        read_sugarcrepe(tmp_path)
    (tmp_path / "swap_obj.json").write_text('{"0": {"filename": "a.jpg"}}')
    with pytest.raises(InvalidInput, match=r"swap_obj\.json: an entry has no 'caption'"):
        read_sugarcrepe(tmp_path)
    (tmp_path / "swap_obj.json").write_text('{"0": 3}')
    with pytest.raises(InvalidInput, match=r"swap_obj\.json is not SugarCrepe's JSON"):
        read_sugarcrepe(tmp_path)


def test_accuracy_counts_ties_as_wrong() -> None:
    found = accuracy("x", [0.5, 0.2, 0.9, 0.3], [0.5, 0.1, 0.2, 0.4])
    assert (found.cases, found.right, found.ties, found.accuracy) == (4, 2, 1, 0.5)
    kinds = by_kind(["a", "b", "a"], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    assert [(one.kind, one.cases, one.right, one.ties) for one in kinds] == [("a", 2, 1, 1), ("b", 1, 0, 0)]


def test_interval_is_where_the_score_test_accepts() -> None:
    """Wilson's bounds are the shares p at which |share - p| = z sqrt(p (1 - p) / n)."""
    for right, cases in ((0, 5), (3, 10), (78, 100), (10, 10)):
        accepted = [
            p
            for p in np.linspace(0, 1, 20001)
            if abs(right / cases - p) <= 1.959963984540054 * math.sqrt(p * (1 - p) / cases) + 1e-12
        ]
        low, high = wilson(right, cases)
        assert (low, high) == pytest.approx((accepted[0], accepted[-1]), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_blind_judge_knows_what_is_usual() -> None:
    judge = Blind(["A dog runs on the grass .", "A dog runs .", "A cat sits on the grass .", "the dog"])
    assert judge.score("a dog runs on the grass") > judge.score("a grass runs on the dog")
    assert judge.score("A dog runs!") == judge.score("a dog runs")
    assert judge.score("a zebra runs") < judge.score("a dog runs")
    assert math.isfinite(judge.score("xyzzy")) and math.isfinite(judge.score(""))


def test_blind_judge_is_a_distribution() -> None:
    judge = Blind(["a b", "a c", "b"])
    words = ["a", "b", "c", "</s>"]
    known = [math.exp(judge._log(["<s>", "<s>", word], 2)) for word in words]
    assert sum(known) == pytest.approx(1 - 0.1 / 13)  # the rest is for a word never met: 8 words, 5 kinds + 1


def chase(text: str) -> SceneGraph:
    places = [text.index(word) for word in ("dog", "cat")]
    nodes = [
        Node(word, word, span=Span(start, start + 3))
        for word, start in zip(("dog", "cat"), places, strict=True)
    ]
    return SceneGraph(tuple(nodes), (Edge(0, "chasing", 1),))


def test_cases_are_drawn_by_seed() -> None:
    texts = [f"A dog {verb} a cat" for verb in ("chases", "is chasing")]
    graphs = [chase(text) for text in texts]
    corpus = Corpus.of(texts * 3, graphs * 3)
    photos = [f"{index}.jpg" for index in range(8)]

    def made(seed: int, per_kind: int) -> list[Case]:
        rows = [[graph] for graph in graphs] * 4
        captions = [[text] for text in texts] * 4
        return make_cases(photos, captions, rows, corpus, seed=seed, per_kind=per_kind)

    everything = made(0, 100)
    denied = [case for case in everything if case.kind == "negate"]
    assert [case.photo for case in denied] == [f"{index}.jpg" for index in (1, 3, 5, 7)]
    assert all(case.negative == "A dog is not chasing a cat" for case in denied)
    few = made(0, 2)
    assert few == made(0, 2) and sum(case.kind == "negate" for case in few) == 2
    assert set(few) <= set(everything)
