"""Every loss equals the slow, obvious formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import Tensor
from torch.nn.functional import cosine_similarity

from scenograph.components import Sizes, losses
from scenograph.losses.adversary import reversed_gradient

PAIRS, WIDTH, CLASSES = 6, 4, 3
SIZES = Sizes(image=5, text=3, dimension=WIDTH, classes=CLASSES, pairs=PAIRS)


@pytest.fixture
def pairs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(PAIRS, WIDTH, generator=generator) for _ in range(2))  # type: ignore[return-value]


@pytest.fixture
def labels() -> Tensor:
    return torch.eye(CLASSES)[torch.tensor([0, 1, 2, 0, 1, 1])]


def cosine(x: Tensor, y: Tensor) -> float:
    return float(cosine_similarity(x, y, dim=0))


def value(name: str, *tensors: Tensor, **parameters: object) -> float:
    return float(losses.build(name, SIZES, parameters=parameters)(*tensors).detach())


def test_infonce(pairs: tuple[Tensor, Tensor]) -> None:
    image, text = pairs
    expected = 0.0
    for i in range(PAIRS):
        to_text = [math.exp(cosine(image[i], text[j]) / 0.1) for j in range(PAIRS)]
        to_image = [math.exp(cosine(image[j], text[i]) / 0.1) for j in range(PAIRS)]
        expected -= math.log(to_text[i] / sum(to_text)) + math.log(to_image[i] / sum(to_image))
    assert value("infonce.v1", image, text, temperature=0.1) == pytest.approx(expected / 2 / PAIRS, rel=1e-5)
    assert not list(filter(lambda one: one.requires_grad, losses.build("infonce.v1").parameters()))
    assert losses.build("infonce.v1", parameters={"learned": True}).log_scale.requires_grad


@pytest.mark.parametrize("negatives", ["all", "hardest"])
def test_triplet(pairs: tuple[Tensor, Tensor], negatives: str) -> None:
    image, text = pairs
    reduce = sum if negatives == "all" else max
    expected = 0.0
    for i in range(PAIRS):
        own = cosine(image[i], text[i])
        others = [j for j in range(PAIRS) if j != i]
        expected += reduce([max(0.0, 0.3 + cosine(image[i], text[j]) - own) for j in others])
        expected += reduce([max(0.0, 0.3 + cosine(image[j], text[i]) - own) for j in others])
    assert value("triplet.v1", image, text, margin=0.3, negatives=negatives) == pytest.approx(
        expected / PAIRS
    )


def test_ranking(pairs: tuple[Tensor, Tensor]) -> None:
    image, text = pairs

    def one_way(scores: list[list[float]]) -> float:
        total = 0.0
        for i, row in enumerate(scores):
            lowered = [score if score >= row[i] - 0.2 else score - 0.7 for score in row]
            total += 0.5 * math.log(sum(math.exp(score / 0.5) for score in lowered)) - row[i] + 0.2
        return total / len(scores)

    scores = [[cosine(x, y) for y in text] for x in image]
    expected = one_way(scores) + one_way([list(column) for column in zip(*scores, strict=True)])
    assert value("ranking.v1", image, text, margin=0.2, shift=0.7, temperature=0.5) == pytest.approx(expected)


def test_correlation_is_the_sum_of_canonical_correlations() -> None:
    generator = np.random.default_rng(0)
    shared = generator.normal(size=(400, 2))
    x = np.hstack([shared + 0.3 * generator.normal(size=(400, 2)), generator.normal(size=(400, 1))])
    y = np.hstack([generator.normal(size=(400, 1)), shared @ generator.normal(size=(2, 2))])
    # Canonical correlations are the cosines of the angles between both column spaces.
    bases = [np.linalg.qr(side - side.mean(axis=0))[0] for side in (x, y)]
    correlations = np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)
    image, text = (torch.from_numpy(side) for side in (x, y))
    assert value("correlation.v1", image, text, ridge=1e-9) == pytest.approx(-correlations.sum(), rel=1e-4)
    assert value("correlation.v1", image, text, ridge=1e-9, components=2) == pytest.approx(
        -correlations[:2].sum(), rel=1e-4
    )


def test_correlation_has_a_gradient_that_raises_it(pairs: tuple[Tensor, Tensor]) -> None:
    loss = losses.build("correlation.v1", parameters={"ridge": 0.1})
    image, text = (side.double().requires_grad_() for side in pairs)
    assert torch.autograd.gradcheck(loss, (image, text))


def test_reconstructions_decode_own_and_other_vectors(pairs: tuple[Tensor, Tensor]) -> None:
    image, text = pairs
    features = torch.randn(PAIRS, 5), torch.randn(PAIRS, 3)
    own, cross = (losses.build(f"{kind}.v1", SIZES) for kind in ("reconstruction", "cross-reconstruction"))
    for loss, (left, right) in ((own, (image, text)), (cross, (text, image))):
        expected = 0.0
        for decoder, vectors, wanted in ((loss.image, left, features[0]), (loss.text, right, features[1])):
            weight, bias = decoder[0].weight.detach(), decoder[0].bias.detach()
            errors = [
                (weight[j] @ vectors[i] + bias[j] - wanted[i, j]) ** 2
                for i in range(PAIRS)
                for j in range(wanted.shape[1])
            ]
            expected += float(sum(errors)) / len(errors)
        assert float(loss(image, text, *features).detach()) == pytest.approx(expected, rel=1e-5)
    deep = losses.build("reconstruction.v1", SIZES, parameters={"hidden": (7, 6)})
    assert [one.out_features for one in deep.image if hasattr(one, "out_features")] == [7, 6, 5]


def test_distance(pairs: tuple[Tensor, Tensor]) -> None:
    image, text = pairs
    expected = sum(float(((image[i] - text[i]) ** 2).sum()) for i in range(PAIRS)) / PAIRS
    assert value("distance.v1", image, text) == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["inter", "intra", "both"])
def test_likelihood(pairs: tuple[Tensor, Tensor], labels: Tensor, kind: str) -> None:
    image, text = pairs

    def between(first: Tensor, second: Tensor) -> float:
        total = 0.0
        for i in range(PAIRS):
            for j in range(PAIRS):
                chance = float(expit(float(first[i] @ second[j]) / 2))
                total -= math.log(chance if torch.equal(labels[i], labels[j]) else 1 - chance)
        return total / PAIRS**2

    expected = between(image, text) if kind != "intra" else 0.0
    expected += between(image, image) + between(text, text) if kind != "inter" else 0.0
    assert value("likelihood.v1", image, text, labels, pairs=kind) == pytest.approx(expected, rel=1e-5)


def test_quantisation(pairs: tuple[Tensor, Tensor]) -> None:
    image, text = pairs

    def to(code: Tensor, vectors: Tensor) -> float:
        return float(((vectors - code) ** 2).mean())

    unified = torch.sign(image + text)
    assert value("quantisation.v1", image, text) == pytest.approx(to(unified, image) + to(unified, text))
    own = value("quantisation.v1", image, text, target="own")
    assert own == pytest.approx(to(image.sign(), image) + to(text.sign(), text))
    codes = torch.ones_like(image)
    assert value("quantisation.v1", image, text, codes) == pytest.approx(to(codes, image) + to(codes, text))


def test_balance() -> None:
    even, uneven = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]), torch.tensor([[1.0, -1.0], [1.0, 1.0]])
    assert value("balance.v1", even, even) == 0
    assert value("balance.v1", even, uneven) == 0.5


def test_decorrelation(pairs: tuple[Tensor, Tensor]) -> None:
    image, text = pairs
    expected = 0.0
    for side in pairs:
        correlation = np.corrcoef(side.numpy().T)
        expected += np.mean([correlation[i, j] ** 2 for i in range(WIDTH) for j in range(WIDTH) if i != j])
    assert value("decorrelation.v1", image, text) == pytest.approx(expected, rel=1e-5)
    assert value("decorrelation.v1", image[:, :1], text[:, :1]) == 0


@pytest.mark.parametrize("classes", ["one", "many"])
def test_classification(pairs: tuple[Tensor, Tensor], labels: Tensor, classes: str) -> None:
    loss = losses.build("classification.v1", SIZES, parameters={"classes": classes})
    expected = 0.0
    for side in pairs:
        logits = (side @ loss.classifier.weight.T + loss.classifier.bias).detach().numpy()
        if classes == "one":
            chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            expected -= np.log(chances[labels.numpy() > 0]).mean()
        else:
            right = np.where(labels.numpy() > 0, expit(logits), 1 - expit(logits))
            expected -= np.log(right).mean()
    assert float(loss(*pairs, labels).detach()) == pytest.approx(expected, rel=1e-5)


def test_affinity(pairs: tuple[Tensor, Tensor]) -> None:
    image, text = pairs
    affinity = torch.rand(PAIRS, PAIRS)

    def between(first: Tensor, second: Tensor) -> float:
        errors = [
            (1.5 * float(affinity[i, j]) - cosine(first[i], second[j])) ** 2
            for i in range(PAIRS)
            for j in range(PAIRS)
        ]
        return sum(errors) / len(errors)

    expected = 2 * between(image, text) + 0.3 * (between(image, image) + between(text, text))
    found = value("affinity.v1", image, text, affinity, scale=1.5, inter=2.0, intra=0.3)
    assert found == pytest.approx(expected, rel=1e-5)


def test_adversary_turns_the_gradient_round(pairs: tuple[Tensor, Tensor]) -> None:
    image, text = (side.clone().requires_grad_() for side in pairs)
    loss = losses.build("adversary.v1", SIZES, parameters={"hidden": (), "strength": 0.5})
    weight, bias = loss.classifier[0].weight.detach()[0], float(loss.classifier[0].bias.detach())
    found = loss(image, text)
    found.backward()
    expected, gradients = 0.0, []
    for side, is_image in ((image, 1.0), (text, 0.0)):
        for row in side.detach():
            chance = float(expit(float(row @ weight) + bias))
            expected -= math.log(chance if is_image else 1 - chance) / (2 * PAIRS)
            gradients.append((chance - is_image) / (2 * PAIRS) * weight)
    assert float(found.detach()) == pytest.approx(expected, rel=1e-5)
    assert image.grad is not None and text.grad is not None
    torch.testing.assert_close(torch.cat([image.grad, text.grad]), -0.5 * torch.stack(gradients))
    assert torch.equal(reversed_gradient(image, 2.0), image)


def test_polynomial(pairs: tuple[Tensor, Tensor]) -> None:
    image, text = pairs
    positive, negative = (0.5, -0.7, 0.2), (0.1, -0.2, 0.9, 0.3)

    def one_way(scores: list[list[float]]) -> float:
        total = 0.0
        for i, row in enumerate(scores):
            hardest = max(score for j, score in enumerate(row) if j != i)
            if hardest > row[i] - 0.3:
                near = 0.5 - 0.7 * row[i] + 0.2 * row[i] ** 2
                far = 0.1 - 0.2 * hardest + 0.9 * hardest**2 + 0.3 * hardest**3
                total += max(0.0, near + far)
        return total / len(scores)

    text = image + 0.5 * text  # so that some pairs are beyond the margin
    scores = [[cosine(x, y) for y in text] for x in image]
    expected = one_way(scores) + one_way([list(column) for column in zip(*scores, strict=True)])
    parameters = {"margin": 0.3, "positive": positive, "negative": negative}
    assert value("polynomial.v1", image, text, **parameters) == pytest.approx(expected, rel=1e-5)
