"""Fine-grained matchers get the units, graphs and words of photos from the pack's own models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support import sample_photo

from scenograph.components import sources, tasks
from scenograph.data.cache import FeatureCache
from scenograph.data.contracts import CaptionSplit
from scenograph.methods.catalogue import get_method
from scenograph.packs import Pack
from scenograph.packs.training.matcher import usual_cosine
from scenograph.packs.training.matching import matching_data
from scenograph.train.matching import Matching

SAID = (
    ("a cat looks at the camera", "a brown cat"),
    ("a white cup on a saucer", "coffee in a cup", "a spoon"),
)


def test_units_graphs_and_words_of_photos(default_pack: Pack, tmp_path: Path) -> None:
    if "visual_units" not in default_pack.manifest.models:
        pytest.skip("the default pack was built before its models gave maps")
    photos = (sample_photo("chelsea.png"), sample_photo("coffee.png"))
    rows = np.arange(2)
    data = matching_data(CaptionSplit(photos, SAID), rows, default_pack.folder, FeatureCache(tmp_path), 0)
    assert data.captions_each == 2 and len(data.views) == 2
    task = Matching(get_method("sgm"), data, rows, rows)
    seen, said = task.seen(rows, rows * 0), task.said(np.arange(4))
    assert seen.features.shape == (2, 28, 384 + 384 + 80) and seen.present[:, 12:].all()
    assert said.has_object.sum(dim=1).tolist() == [2, 1, 2, 2]
    assert said.has_relation.sum(dim=1).tolist() == [1, 0, 1, 1]
    assert said.has_word.sum(dim=1).tolist() == [6, 3, 7, 4]  # "saucer" is two pieces
    assert task.scores(rows).shape == (2, 4)


def test_the_task_has_a_source() -> None:
    assert "matching.v1" in sources.names()
    given = tasks.signature("matching.v1").given
    assert given == ("recipe", "data", "photos", "held_out")


def test_the_usual_cosine_is_that_of_parts_with_other_images() -> None:
    torch.manual_seed(0)
    vectors, regions = (torch.nn.functional.normalize(torch.randn(3, n, 8), dim=-1) for n in (2, 4))
    weights, present = torch.tensor([[1.0, 2.0], [0.5, 0.0], [3.0, 1.0]]), torch.ones(3, 4)
    present[2, 1] = 0
    total = 0.0
    for row in range(3):
        other = (row - 1) % 3
        for part in range(2):
            seen = [float(vectors[row, part] @ regions[other, u]) for u in range(4) if present[other, u]]
            total += float(weights[row, part]) * max(seen)
    found = usual_cosine(vectors, weights, regions, present)
    assert found == pytest.approx(total / float(weights.sum()), abs=1e-5)
