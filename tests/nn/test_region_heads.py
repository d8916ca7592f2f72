"""The heads over regions and pairs of regions."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from scenograph.nn.attribute_head import AttributeHead
from scenograph.nn.relation_head import PAIR_GEOMETRY, RelationHead, pair_geometry

WORDS = 5


def _regions(count: int, channels: int = 16, seed: int = 0) -> dict[str, Tensor]:
    rng = np.random.default_rng(seed)
    low = rng.random((count, 2)) * 0.5
    boxes = np.concatenate([low, low + 0.1 + 0.4 * rng.random((count, 2))], axis=1)
    arrays = {
        "backbone": rng.standard_normal((count, channels)),
        "detector": rng.standard_normal((count, channels)),
        "scores": rng.random((count, 80)),
        "boxes": boxes,
    }
    return {name: torch.from_numpy(values.astype(np.float32)) for name, values in arrays.items()}


def test_a_region_is_named_by_itself_and_its_image_alone() -> None:
    torch.manual_seed(0)
    head = AttributeHead(WORDS, channels=16, width=8).eval()
    feeds = _regions(4)
    feeds |= {f"whole_{name}": feeds[name].flip(0) for name in ("backbone", "detector")}
    together = head(**feeds)
    assert together.shape == (4, WORDS)
    assert bool(((together > 0) & (together < 1)).all())
    alone = torch.cat([head(**{name: one[row : row + 1] for name, one in feeds.items()}) for row in range(4)])
    assert torch.allclose(together, alone, atol=1e-6)
    feeds["whole_detector"] = feeds["whole_detector"].clone()
    feeds["whole_detector"][2] += 1
    changed = (head(**feeds) - together).abs().sum(dim=1) > 1e-6
    assert changed.tolist() == [False, False, True, False]


def test_a_pair_has_an_order() -> None:
    torch.manual_seed(0)
    head = RelationHead(WORDS, channels=16, width=8).eval()
    feeds, union = _regions(3), _regions(2, seed=1)
    feeds |= {f"union_{name}": union[name][:1].repeat(2, 1) for name in ("backbone", "detector")}
    feeds |= {"subjects": torch.tensor([0, 2]), "objects": torch.tensor([2, 0])}
    forward, back = head(**feeds)
    assert forward.shape == (WORDS,)
    assert float((forward - back).detach().abs().max()) > 1e-4


def test_calibration_scales_scores() -> None:
    head = AttributeHead(WORDS, channels=16, width=8).eval()
    feeds = _regions(2)
    feeds |= {f"whole_{name}": feeds[name] for name in ("backbone", "detector")}
    head.calibrated.slope.fill_(2.0)
    head.calibrated.offset.fill_(-1.0)
    expected = torch.sigmoid(2 * head.scores_of(**feeds) - 1)
    assert torch.allclose(head(**feeds), expected)


def test_geometry_of_a_pair() -> None:
    whole, right = torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([[0.5, 0.0, 1.0, 0.5]])
    told = pair_geometry(whole, right)[0]
    assert told.shape == (PAIR_GEOMETRY,)
    # Of the whole a quarter is shared, of the right all, and a quarter of both together.
    assert torch.allclose(told[22:25], torch.tensor([0.25, 1.0, 0.25]), atol=1e-6)
    # Seen from the middle of the whole, in twice its sides.
    assert torch.allclose(told[14:18], torch.tensor([0.0, -0.25, 0.25, 0.0]), atol=1e-6)
    assert torch.allclose(pair_geometry(right, whole)[0, 22:24], told[22:24].flip(0))
