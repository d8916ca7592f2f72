"""Image, text and hash heads: levels side by side, each by itself; padding; bits of every prefix."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from scenograph.nn.hash_head import LENGTHS, SHARES, HashHead, bit_ranges
from scenograph.nn.image_head import INPUTS, LEVELS, SIZES, ImageHead
from scenograph.nn.projection import LIMIT, Standardise, side_by_side
from scenograph.nn.text_head import TextHead

WEIGHTS = (0.4, 0.3, 0.2, 0.1)


def with_labels(head: ImageHead | TextHead) -> ImageHead | TextHead:
    """A head whose level of labels is not at its zeros."""
    for number, kept in enumerate(head.label.buffers()):
        kept.copy_(numbers(*kept.shape, seed=number))
    return head.eval()


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def seen(rows: int, seed: int = 0) -> dict[str, Tensor]:
    return {
        "class_probs": numbers(rows, 1000, seed=seed).softmax(dim=1),
        "object_scores": numbers(rows, 80, seed=seed + 1).sigmoid(),
        "features": numbers(rows, 5120, seed=seed + 2),
        "detector_features": numbers(rows, 2560, seed=seed + 3),
    }


def test_the_dot_product_is_the_weighted_mean_of_cosines() -> None:
    weights = torch.tensor(WEIGHTS)
    one, other = (
        [normalize(numbers(4, size, seed=seed + size), dim=1) for size in (6, 3, 5, 4)] for seed in (0, 50)
    )
    ours, theirs = side_by_side(one, weights), side_by_side(other, weights)
    for i in range(4):
        for j in range(4):
            cosines = [float(a[i] @ b[j]) for a, b in zip(one, other, strict=True)]
            expected = sum(weight * cosine for weight, cosine in zip(WEIGHTS, cosines, strict=True))
            assert float(ours[i] @ theirs[j]) == pytest.approx(expected, abs=1e-6)
    torch.testing.assert_close(ours.norm(dim=1), torch.ones(4))


@pytest.mark.parametrize("together", [False, True])
def test_standardised_features(together: bool) -> None:
    features = numbers(500, 3) * torch.tensor([1.0, 5.0, 0.1]) + torch.tensor([3.0, -2.0, 0.0])
    layer = Standardise(3)
    layer.fit(features, together=together)
    ready = layer(features)
    assert float(ready.abs().max()) <= LIMIT
    torch.testing.assert_close(ready.mean(dim=0), torch.zeros(3), atol=0.05, rtol=0)
    deviations = ready.std(dim=0)
    assert (float(deviations[1] / deviations[0]) > 3) == together


def test_an_image_level_sees_its_own_inputs_alone() -> None:
    head = with_labels(ImageHead(weights=WEIGHTS))
    given = seen(3)
    before = head(**given)
    assert before.shape == (3, sum(SIZES))
    torch.testing.assert_close(before.norm(dim=1), torch.ones(3))
    tuned = given["features"].clone()
    tuned[:, INPUTS["backbone"] :] += 1
    after = head(**{**given, "features": tuned})
    moved = [
        bool((a - b).abs().max() > 1e-4)
        for a, b in zip(*(v.split(SIZES, 1) for v in (before, after)), strict=True)
    ]
    assert moved == [*("tuned" in sources for sources in LEVELS.values()), False]


def test_padding_says_nothing() -> None:
    head = with_labels(TextHead(weights=WEIGHTS))
    tokens, middle = numbers(2, 7, 384, seed=1), numbers(2, 7, 384, seed=2)
    mask = torch.tensor([[1] * 7, [1] * 4 + [0] * 3])
    both = head(tokens, middle, mask)
    assert both.shape == (2, sum(SIZES))
    torch.testing.assert_close(both.norm(dim=1), torch.ones(2))
    alone = head(tokens[1:, :4], middle[1:, :4], mask[1:, :4])
    torch.testing.assert_close(both[1:], alone, atol=1e-5, rtol=0)


def test_attention_is_a_weighted_mean() -> None:
    head = TextHead().eval()
    tokens, mask = numbers(1, 5, 384), torch.tensor([[1, 1, 1, 0, 0]])
    logits = [head.attention["object"](token).item() for token in tokens[0, :3]]
    shares = torch.tensor(logits).softmax(dim=0)
    expected = sum(share * token for share, token in zip(shares, tokens[0, :3], strict=True))
    torch.testing.assert_close(head.attended("object", tokens, mask)[0], expected)


def test_every_prefix_has_bits_of_every_level() -> None:
    head = HashHead().eval()
    embeddings = side_by_side(
        [normalize(numbers(2, size, seed=size), dim=1) for size in SIZES], torch.tensor(WEIGHTS)
    )
    projections = head(embeddings)
    assert projections.shape == (2, LENGTHS[-1])
    ranges = bit_ranges(SHARES)
    taken = sorted(bit for level in ranges for start, stop in level for bit in range(start, stop))
    assert taken == list(range(LENGTHS[-1]))
    for length in LENGTHS:
        for level, share in zip(ranges, SHARES, strict=True):
            assert (
                sum(max(0, min(stop, length) - start) for start, stop in level)
                == share * length // LENGTHS[0]
            )
    for place, level in enumerate(ranges):
        parts = list(torch.split(embeddings, list(SIZES), dim=1))
        parts[place] = parts[place].flip(1)
        moved = (head(torch.cat(parts, dim=1)) - projections).abs().max(dim=0).values > 1e-6
        changed = {bit for bit in range(LENGTHS[-1]) if moved[bit]}
        own = {bit for start, stop in level for bit in range(start, stop)}
        scene = {bit for start, stop in ranges[0] for bit in range(start, stop)}
        assert changed <= own | scene  # the scene's bits look at the whole embedding
        assert changed & own and changed & scene


def test_shares_make_up_the_shortest_code() -> None:
    with pytest.raises(ValueError, match="64 bits"):
        HashHead(shares=(32, 16, 8, 4))


def test_codes_begin_balanced_where_modalities_vary_together() -> None:
    torch.manual_seed(0)
    shared = numbers(400, 6)
    image, text = (
        torch.cat(
            [shared @ numbers(6, size, seed=size) + 0.3 * numbers(400, size, seed=seed) for size in SIZES], 1
        )
        for seed in (1, 2)
    )
    head = HashHead()
    head.start(image, text, (6, 6, 6, 6))
    one, other = (head(vectors) for vectors in (image, text))
    assert float((one > 0).float().mean(dim=0).sub(0.5).abs().max()) < 0.25
    agree = ((one > 0) == (other > 0)).float().mean()
    strangers = ((one > 0) == (other.roll(1, 0) > 0)).float().mean()
    assert agree > 0.8 > 0.6 > strangers
