"""Mixes of scores, held against slow, obvious rankings; and the fit against what was put in."""

from __future__ import annotations

import numpy as np
import pytest

from scenograph.metrics.fusion import Aim, Pairs, Ranked, fit, halves, measure, mixes, ranks


def _ranked(queries: int, candidates: int, seed: int, signal: tuple[float, ...]) -> Ranked:
    """Scores of noise, to which the right candidate's have `signal` added."""
    rng = np.random.default_rng(seed)
    right = np.zeros((queries, candidates), dtype=bool)
    right[np.arange(queries), rng.integers(candidates, size=queries)] = True
    noise = rng.standard_normal((queries, candidates, len(signal)))
    return Ranked(noise + right[:, :, None] * np.array(signal), right)


def test_ranks_are_those_of_a_sort() -> None:
    ranked = _ranked(50, 20, 0, (1.0, 0.5))
    scores, right = ranked.scores.copy(), ranked.right.copy()
    scores[3, 12:], right[3] = np.nan, False  # few candidates, and the right one is not among them
    scores[4, :] = 1.0  # all alike
    weights = np.array([0.3, 0.7])
    found = ranks(Ranked(scores, right), weights)
    for query in range(50):
        totals = [0.3 * one + 0.7 * other for one, other in scores[query].tolist()]
        order = sorted(range(20), key=lambda place: (-totals[place], right[query, place]))
        wanted = [place + 1 for place, candidate in enumerate(order) if right[query, candidate]]
        assert found[query] == (np.inf if query == 3 else 20 if query == 4 else wanted[0])


def test_what_a_mix_finds() -> None:
    ranked = _ranked(40, 5, 1, (2.0, 0.0))
    pairs = Pairs(
        np.array([[1.0, 0.0], [0.0, 0.0], [0.5, 9.0]]), np.array([[0.0, 9.0], [0.0, 0.0], [0.9, 0.0]])
    )
    found = measure({"a": ranked}, {"swap": pairs}, np.array([1.0, 0.0]))
    best = ranks(ranked, np.array([1.0, 0.0]))
    assert found.recall["a"] == {k: float(np.mean(best <= k)) for k in (1, 5, 10)}
    assert found.told == {"swap": pytest.approx(1 / 3)}  # equal scores tell nothing


def test_the_fit_finds_the_scores_that_say_something() -> None:
    searches = [_ranked(400, 30, seed, (0.0, 1.5, 1.5, 0.0)) for seed in (2, 3)]
    grid = mixes((0.0, 0.5), (0.0, 0.25, 0.5, 0.75), (0.0, 0.5, 1.0))
    assert all(weights.min() >= 0 and weights.sum() == pytest.approx(1) for weights in grid)
    best = fit(searches, [], grid, Aim())
    assert best == pytest.approx([0.0, 0.5, 0.5, 0.0])
    told = Pairs(np.tile([0.0, 0.0, 0.0, 1.0], (9, 1)), np.zeros((9, 4)))
    assert fit(searches, [told], grid, Aim(pairs=50.0))[3] > 0


def test_weights_that_lose_what_must_be_found_are_not_chosen() -> None:
    searches = [_ranked(400, 30, 4, (0.0, 3.0, 0.0, 0.0))]
    must = Ranked(np.array([[[0.0, 0.1, 0.0, 1.0], [0.0, 0.9, 0.0, 0.0]]] * 3), np.array([[True, False]] * 3))
    grid = mixes((0.0,), (0.0, 0.2, 0.6, 0.8), (0.0,))
    assert fit(searches, [], grid, Aim(), slack=0)[3] == 0
    assert fit(searches, [], grid, Aim(), [must], slack=0)[3] == pytest.approx(0.6)
    assert fit(searches, [], grid, Aim(), [must], slack=3)[3] == 0
    with pytest.raises(ValueError, match="no weights"):
        fit(searches, [], [], Aim())


def test_halves_share_no_query() -> None:
    one, other = halves(11)
    assert sorted([*one, *other]) == list(range(11)) and len(one) == 5
    assert halves(11)[0].tolist() == one.tolist() != halves(11, seed=1)[0].tolist()
