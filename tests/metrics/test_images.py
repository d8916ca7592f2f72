"""Similarity of pictures: against the formulas written out over sliding windows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from scenograph.metrics.images import WEIGHTS, ms_psnr, ms_ssim, psnr, ssim

RNG = np.random.default_rng(0)
FIRST = np.cumsum(RNG.random((183, 176, 2)), axis=0) / 90
SECOND = FIRST + 0.05 * RNG.normal(size=FIRST.shape)


def terms(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float]:
    """Mean SSIM and mean contrast-structure term of one channel, data range 1."""
    ramp = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(ramp, ramp) / ramp.sum() ** 2
    x, y = (sliding_window_view(each, (11, 11)) for each in (first, second))

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        averaged: NDArray[np.float64] = np.einsum("ijkl,kl->ij", values, window)
        return averaged

    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    structure = (2 * cov + 0.03**2) / (vx + vy + 0.03**2)
    luminance = (2 * mx * my + 0.01**2) / (mx**2 + my**2 + 0.01**2)
    return float((luminance * structure).mean()), float(structure.mean())


def halved(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = (side // 2 for side in picture.shape[:2])
    return np.array(
        [[picture[2 * r : 2 * r + 2, 2 * c : 2 * c + 2].mean() for c in range(columns)] for r in range(rows)]
    )


def test_ssim_is_the_formula() -> None:
    wanted = [terms(FIRST[..., channel], SECOND[..., channel])[0] for channel in range(2)]
    assert ssim(FIRST, SECOND, 1.0) == pytest.approx(np.mean(wanted), abs=1e-9)
    assert ssim(FIRST, FIRST, 1.0) == pytest.approx(1.0)
    bytes_ = ssim(FIRST[..., 0] * 255, SECOND[..., 0] * 255, 255)
    assert bytes_ == pytest.approx(ssim(FIRST[..., :1], SECOND[..., :1], 1.0))


def test_ms_ssim_is_the_formula() -> None:
    wanted = []
    for channel in range(2):
        first, second, product = FIRST[..., channel], SECOND[..., channel], 1.0
        for scale, weight in enumerate(WEIGHTS):
            whole, structure = terms(first, second)
            product *= (whole if scale == 4 else structure) ** weight
            first, second = halved(first), halved(second)
        wanted.append(product)
    assert ms_ssim(FIRST, SECOND, 1.0) == pytest.approx(np.mean(wanted), abs=1e-9)
    assert 0 < ms_ssim(FIRST, SECOND, 1.0) < 1


def test_psnr_is_decibels_of_the_mean_squared_error() -> None:
    error = np.mean((FIRST - SECOND) ** 2)
    assert psnr(FIRST, SECOND, 1.0) == pytest.approx(-10 * math.log10(error))
    assert psnr(FIRST, FIRST, 1.0) == math.inf


def test_ms_psnr_averages_the_scales() -> None:
    first, second = FIRST[..., 0], SECOND[..., 0]
    values = []
    for _ in range(3):
        values.append(psnr(first, second, 1.0))
        first, second = halved(first), halved(second)
    assert ms_psnr(FIRST[..., 0], SECOND[..., 0], 1.0, scales=3) == pytest.approx(np.mean(values))


def test_pictures_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="compared"):
        ssim(FIRST, SECOND[1:], 1.0)
    with pytest.raises(ValueError, match="too small"):
        ms_ssim(FIRST[:175], SECOND[:175], 1.0)
