"""How near reconstructed pictures are to the originals, by scikit-image, at one scale and at several.

Pictures are (H, W) or (H, W, channels) arrays; `data_range` is the distance between black and white (255 for
bytes, 1 for fractions). Errors of all: ValueError where shapes differ, or a picture is too small.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from skimage.transform import downscale_local_mean

Picture = NDArray[np.generic]

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales of MS-SSIM (Wang, Simoncelli and Bovik 2003)."""
WINDOW = 11
_NO_LUMINANCE = 1e9


def psnr(original: Picture, other: Picture, data_range: float) -> float:
    """Peak signal-to-noise ratio in decibels; infinite where the pictures are equal."""
    first, second = _pair(original, other)
    if np.array_equal(first, second):
        return math.inf
    return float(peak_signal_noise_ratio(first, second, data_range=data_range))


def ms_psnr(original: Picture, other: Picture, data_range: float, scales: int = len(WEIGHTS)) -> float:
    """The mean of PSNR over dyadic scales: the pictures, and each halved again by averaging 2x2 pixels."""
    first, second = _pair(original, other)
    values = []
    for _ in range(scales):
        values.append(psnr(first, second, data_range))
        first, second = _halved(first), _halved(second)
    return float(np.mean(values))


def ssim(original: Picture, other: Picture, data_range: float) -> float:
    """Structural similarity, the mean over pixels and channels, with a Gaussian window of 11 pixels.

    Source: Wang, Bovik, Sheikh and Simoncelli 2004, with its window and constants.
    """
    first, second = _pair(original, other)
    return float(np.mean([_ssim(first[..., c], second[..., c], data_range) for c in range(first.shape[-1])]))


def ms_ssim(original: Picture, other: Picture, data_range: float) -> float:
    """Multi-scale structural similarity over five scales, the mean over channels; 176 pixels a side at least.

    Contrast and structure at every scale, luminance at the coarsest; a negative similarity counts as 0.
    Source: Wang, Simoncelli and Bovik 2003, eq. 7.
    """
    first, second = _pair(original, other)
    if min(first.shape[:2]) < WINDOW * 2 ** (len(WEIGHTS) - 1):
        raise ValueError(f"a picture of {first.shape[:2]} is too small for {len(WEIGHTS)} scales")
    product = np.ones(first.shape[-1])
    for scale, weight in enumerate(WEIGHTS):
        last = scale == len(WEIGHTS) - 1
        values = [
            _ssim(first[..., c], second[..., c], data_range, luminance=last) for c in range(len(product))
        ]
        product *= np.maximum(values, 0.0) ** weight
        first, second = _halved(first), _halved(second)
    return float(product.mean())


def _ssim(
    first: NDArray[np.float64], second: NDArray[np.float64], data_range: float, luminance: bool = True
) -> float:
    """One channel. Without luminance its constant is so large that its term is 1."""
    return float(
        structural_similarity(
            first,
            second,
            data_range=data_range,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            K1=0.01 if luminance else _NO_LUMINANCE,
        )
    )


def _pair(original: Picture, other: Picture) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as (H, W, channels)."""
    if original.shape != other.shape or original.ndim not in (2, 3):
        raise ValueError(f"pictures {original.shape} and {other.shape} cannot be compared")
    first, second = (np.asarray(each, np.float64).reshape(*each.shape[:2], -1) for each in (original, other))
    return first, second


def _halved(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of 2x2 pixels; an odd last row or column is left out."""
    height, width = (side - side % 2 for side in picture.shape[:2])
    halved: NDArray[np.float64] = downscale_local_mean(picture[:height, :width], (2, 2, 1))
    return halved
