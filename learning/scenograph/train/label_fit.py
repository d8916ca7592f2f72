"""Fits the level of labels: a ridge regression of captions on label evidence, towards the labels' names."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from scenograph.nn.label_level import CLASSES, ImageLabels, TextLabels

FloatArray = NDArray[np.float32]


def fit_labels(
    image: ImageLabels,
    text: TextLabels,
    *,
    class_probs: FloatArray,
    object_scores: FloatArray,
    sentences: FloatArray,
    names: FloatArray,
    ridge: float,
) -> None:
    """Set the maps of both modalities from photographs and their captions, in closed form.

    `ridge`: a label's name weighs as much as so many photographs' class evidence. The directions are those in
    which captions and names vary the most, each divided by the root of its variance plus the mean one.
    Shapes: class_probs (n, 1000), object_scores (n, 80), sentences (n, c, 384) of unit length, c captions a
    photograph, names (1080, 384) of unit length, classes first.
    """
    centre = sentences.reshape(-1, sentences.shape[-1]).mean(axis=0)
    with torch.no_grad():
        seen = image.evidence(
            torch.from_numpy(np.array(class_probs)), torch.from_numpy(np.array(object_scores))
        )
    evidence = seen.double().numpy()
    usual = evidence.mean(axis=0)
    told = sentences.mean(axis=1) - centre
    named = names - names.mean(axis=0)
    away = evidence - usual
    share = ridge * np.square(away[:, :CLASSES]).sum() / len(away)
    meaning = np.linalg.solve(away.T @ away + share * np.eye(away.shape[1]), away.T @ told + share * named)
    spread = np.cov(sentences.reshape(-1, sentences.shape[-1]).T) + np.cov(names[:CLASSES].T)
    variance, found = np.linalg.eigh(spread)
    leading = slice(-1, -1 - text.directions.shape[1], -1)
    directions = found[:, leading] / np.sqrt(variance[leading] + variance.mean())
    vectors = meaning @ directions
    for kept, value in (
        (text.centre, centre),
        (text.directions, directions),
        (image.vectors, vectors),
        (image.centre, usual @ vectors),
    ):
        kept.copy_(torch.from_numpy(np.asarray(value, dtype=np.float32)))
