"""Losses of single deep methods, each against a slow and obvious computation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from scenograph.components import Sizes
from scenograph.losses.agreement import Agreement
from scenograph.losses.bank_contrast import BankContrast
from scenograph.losses.bank_likelihood import BankLikelihood
from scenograph.losses.correlation_identity import CorrelationIdentity


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_agreement_is_the_negative_mean_cosine() -> None:
    image, text = drawn(5, 4), drawn(5, 4, seed=1)
    each = [float(a @ b / (a.norm() * b.norm())) for a, b in zip(image, text, strict=True)]
    assert float(Agreement()(image, text)) == pytest.approx(-np.mean(each), rel=1e-5)


@pytest.mark.parametrize("pairs", ["inter", "intra", "both"])
def test_bank_likelihood_sums_over_batch_and_bank(pairs: str) -> None:
    image, text = drawn(3, 4), drawn(3, 4, seed=1)
    banks = {"image": drawn(6, 4, seed=2), "text": drawn(6, 4, seed=3)}
    labels, bank_labels = torch.eye(3), torch.eye(3).repeat(2, 1)
    total = 0.0
    for side, vectors in (("image", image), ("text", text)):
        other = "text" if side == "image" else "image"
        for kind, bank in (("inter", banks[other]), ("intra", banks[side])):
            if pairs not in (kind, "both"):
                continue
            terms = []
            for row, vector in enumerate(vectors):
                for column, known in enumerate(bank):
                    theta = float(vector @ known) / 2
                    alike = float(row == column % 3)
                    terms.append(math.log1p(math.exp(theta)) - alike * theta)
            total += float(np.mean(terms))
    loss = BankLikelihood(pairs=pairs)  # type: ignore[arg-type]
    assert float(loss(image, text, labels, banks["image"], banks["text"], bank_labels)) == pytest.approx(
        total, rel=1e-5
    )


def test_bank_contrast_is_lowest_at_the_own_key() -> None:
    keys = torch.where(drawn(6, 16) > 0, 1.0, -1.0)
    rows = torch.tensor([4, 1])
    loss = BankContrast(temperature=0.5)
    right, wrong = keys[rows], keys[torch.tensor([1, 4])]
    expected = []
    for row in rows:
        cosines = [float(keys[row] @ key) / 16 / 0.5 for key in keys]
        expected.append(math.log(sum(map(math.exp, cosines))) - cosines[int(row)])
    assert float(loss(right, right, rows, keys)) == pytest.approx(np.mean(expected), rel=1e-5)
    assert float(loss(right, right, rows, keys)) < float(loss(wrong, wrong, rows, keys))


def test_correlation_and_identity_reach_every_part() -> None:
    sizes = Sizes(image=7, text=5, dimension=4)
    loss = CorrelationIdentity(sizes, width=6, hidden=(6,))
    image, text = drawn(8, 4).requires_grad_(), drawn(8, 4, seed=1).requires_grad_()
    features = drawn(8, 7, seed=2), drawn(8, 5, seed=3)
    loss(image, text, *features, torch.eye(8)).backward()
    assert image.grad is not None and text.grad is not None
    assert all(one.grad is not None and bool(one.grad.abs().sum() > 0) for one in loss.parameters())


def test_parts_without_weight_say_nothing() -> None:
    sizes = Sizes(image=7, text=5, dimension=4)
    loss = CorrelationIdentity(sizes, width=6, correlation=0, identity=0, unify=0)
    value = loss(drawn(8, 4), drawn(8, 4), drawn(8, 7), drawn(8, 5), torch.eye(8))
    assert value.item() == 0.0
