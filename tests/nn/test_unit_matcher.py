"""The learned matcher's arithmetic against slow, obvious loops."""

from __future__ import annotations

import torch

from scenograph.nn.matcher_towers import MatcherTowers
from scenograph.nn.text_units import TextUnits
from scenograph.nn.unit_matcher import UnitMatcher, local_scores
from scenograph.nn.visual_units import VisualUnits, geometry


def _units(rows: int, columns: int, size: int = 8) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(rows, columns, size), dim=-1)


def test_each_textual_unit_counts_with_its_best_visual_unit_of_its_level() -> None:
    torch.manual_seed(0)
    text, visual = _units(3, 4), _units(2, 5)
    weights = torch.rand(3, 4)
    weights[1, 2] = 0
    text_scene, visual_scene = torch.zeros(3, 4), torch.zeros(2, 5)
    text_scene[:, 3] = visual_scene[:, 4] = 1
    present = torch.ones(2, 5)
    present[1, 0] = 0
    score, best, place = UnitMatcher(-2.0, 3.0)(text, weights, text_scene, visual, present, visual_scene)
    for t in range(3):
        for i in range(2):
            total = 0.0
            for p in range(4):
                seen = [
                    (float(text[t, p] @ visual[i, u]), u)
                    for u in range(5)
                    if present[i, u] and text_scene[t, p] == visual_scene[i, u]
                ]
                assert abs(float(best[t, p, i]) - max(seen)[0]) < 1e-6
                assert int(place[t, p, i]) == max(seen)[1]
                total += float(weights[t, p]) * max(seen)[0]
            assert abs(float(score[t, i]) - (total + 2) / 5) < 1e-5


def test_what_is_denied_counts_below_the_turn_as_it_would_above() -> None:
    torch.manual_seed(2)
    text, visual = _units(1, 3), _units(4, 5)
    scenes, present = torch.zeros(1, 3), torch.ones(4, 5)
    weights, denied = torch.tensor([[1.0, 2.0, 0.5]]), torch.tensor([[1.0, -2.0, 0.5]])
    matcher = UnitMatcher(-10.0, 10.0, turn=0.3)
    affirmed, best, _ = matcher(text, weights, scenes, visual, present, torch.zeros(4, 5))
    other, _, _ = matcher(text, denied, scenes, visual, present, torch.zeros(4, 5))
    gained = 20 * (affirmed - other)[0]
    torch.testing.assert_close(gained, 2.0 * 2 * (best[0, 1] - 0.3), atol=1e-4, rtol=0)
    assert bool(((best[0, 1] > 0.3) == (affirmed > other)[0]).all())


def test_scores_stay_between_0_and_1() -> None:
    one = torch.ones(1, 1, 1)
    flat = torch.ones(1, 1)
    assert float(UnitMatcher(0, 1)(one, 5 * flat, flat, one, flat, flat)[0]) == 1.0
    assert float(UnitMatcher(0, 1)(one, 5 * flat, flat, -one, flat, flat)[0]) == 0.0


def test_the_training_grid_is_the_served_score() -> None:
    torch.manual_seed(1)
    towers = MatcherTowers(
        VisualUnits(channels=6, width=8, size=8, hidden=8), TextUnits(width=8, size=8, hidden=8)
    ).eval()
    seen = {
        "backbone": torch.randn(3, 5, 6),
        "detector": torch.randn(3, 5, 6),
        "scores": torch.rand(3, 5, 80),
        "boxes": torch.rand(3, 5, 4),
        "region": torch.tensor([[1.0, 1, 1, 0, 0]]).expand(3, 5),
        "present": torch.tensor([[1.0, 1, 1, 1, 1], [1, 0, 0, 1, 1], [0, 0, 0, 1, 1]]),
        "pooled": torch.randn(3, 5120),
    }
    said = {
        "heads": torch.randn(4, 3, 384),
        "attributes": torch.randn(4, 3, 384),
        "predicates": torch.randn(4, 2, 384),
        "sentence": torch.randn(4, 384),
        "subjects": torch.eye(2, 3).expand(4, 2, 3),
        "objects": torch.eye(2, 3).flip(1).expand(4, 2, 3),
        "has_object": torch.tensor([[1.0, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]]),
        "has_relation": torch.tensor([[1.0, 1], [1, 0], [0, 0], [0, 0]]),
    }
    with torch.no_grad():
        grid, own = towers.grid_and_own(seen, said, said, torch.tensor([0, 1, 2, 0]))
        regions, scenes = towers.visual(**seen)
        units, weights = towers.text.units(**said)
        visual = torch.cat([regions, scenes[:, None]], dim=1)
        present = torch.cat([seen["present"], torch.ones(3, 1)], dim=1)
        text_scene, visual_scene = torch.zeros(4, 6), torch.zeros(3, 6)
        text_scene[:, -1] = visual_scene[:, -1] = 1
        served, _, _ = UnitMatcher(-100, 100)(units, weights, text_scene, visual, present, visual_scene)
    assert torch.allclose(grid, served * 200 - 100, atol=1e-3)
    assert torch.allclose(own, grid[torch.arange(4), torch.tensor([0, 1, 2, 0])], atol=1e-4)
    assert torch.allclose(grid, towers.grid(seen, said))


def test_units_that_are_padding_change_nothing() -> None:
    torch.manual_seed(2)
    visual = VisualUnits(channels=6, width=8, size=8, hidden=8).eval()
    feeds = {
        "backbone": torch.randn(1, 4, 6),
        "detector": torch.randn(1, 4, 6),
        "scores": torch.rand(1, 4, 80),
        "boxes": torch.rand(1, 4, 4),
        "region": torch.tensor([[1.0, 1, 0, 0]]),
        "present": torch.tensor([[1.0, 0, 1, 1]]),
        "pooled": torch.randn(1, 5120),
    }
    kept = {name: value if name == "pooled" else value[:, [0, 2, 3]] for name, value in feeds.items()}
    with torch.no_grad():
        vectors, scene = visual(**feeds)
        alone, same = visual(**kept)
    assert torch.allclose(vectors[:, [0, 2, 3]], alone, atol=1e-5)
    assert torch.allclose(scene, same)


def test_who_does_it_matters() -> None:
    torch.manual_seed(3)
    text = TextUnits(width=8, size=8, hidden=8).eval()
    heads, predicate = torch.randn(1, 2, 384), torch.randn(1, 1, 384)
    one, other = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[0.0, 1.0]]])
    said = (heads, torch.zeros(1, 2, 384), predicate, torch.randn(1, 384))
    there = torch.ones(1, 2), torch.ones(1, 1)
    with torch.no_grad():
        chasing, _ = text.units(*said, one, other, *there)
        chased, _ = text.units(*said, other, one, *there)
    assert (chasing[0, :3] - chased[0, :3]).abs().amax(dim=-1).min() > 1e-3
    assert torch.equal(chasing[0, 3], chased[0, 3])


def test_tokens_are_pooled_by_the_parts_shares() -> None:
    torch.manual_seed(4)
    text = TextUnits(width=8, size=8, hidden=8).eval()
    tokens, sentence = torch.randn(1, 5, 384), torch.randn(1, 384)
    heads = torch.tensor([[[0, 0.5, 0.5, 0, 0], [0, 0, 0, 1, 0]]])
    none, ends, there = torch.zeros(1, 1, 5), torch.zeros(1, 1, 2), (torch.ones(1, 2), torch.zeros(1, 1))
    with torch.no_grad():
        vectors, weights = text(tokens, sentence, heads, torch.zeros(1, 2, 5), none, ends, ends, *there)
        means = torch.stack([tokens[0, 1:3].mean(dim=0), tokens[0, 3]])[None]
        same, _ = text.units(
            means, torch.zeros(1, 2, 384), torch.zeros(1, 1, 384), sentence, ends, ends, *there
        )
    assert torch.allclose(vectors, same, atol=1e-5)
    assert float(weights[0, 2]) == 0.0 and bool((weights[0, [0, 1, 3]] > 0).all())


def test_local_scores_skip_padding() -> None:
    torch.manual_seed(5)
    text, visual, weights = _units(2, 3), _units(2, 4), torch.rand(2, 3)
    weights[1] = 0
    present = torch.ones(2, 4)
    scores = local_scores(text, weights, visual, present)
    wanted = (torch.einsum("tpd,iud->tpiu", text, visual).amax(dim=-1) * weights[..., None]).sum(dim=1)
    assert torch.allclose(scores, wanted, atol=1e-5)
    assert bool((scores[1] == 0).all())


def test_geometry() -> None:
    assert torch.allclose(
        geometry(torch.tensor([0.1, 0.2, 0.5, 0.8])), torch.tensor([0.1, 0.2, 0.5, 0.8, 0.4, 0.6, 0.24])
    )
