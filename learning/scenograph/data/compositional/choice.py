"""Seeded choice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np


def weighted_order(options: Mapping[str, float], rng: np.random.Generator) -> Iterator[str]:
    """The options in random order, heavier ones (by the root of their weight) sooner, weights of 0 left out.

    Source: Efraimidis and Spirakis 2006, weighted sampling without replacement by exponential keys.
    """
    names = sorted(name for name, weight in options.items() if weight > 0)
    weights = np.sqrt([options[name] for name in names])
    keys = rng.exponential(size=len(names)) / weights
    for place in np.argsort(keys).tolist():
        yield names[place]
