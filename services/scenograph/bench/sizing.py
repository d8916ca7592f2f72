"""Which machine a collection and a load need, from what was measured (`bench.cost`)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scenograph.bench.cost import Size
from scenograph.bench.cost_sample import Sample

BUSY = 0.5
"""How busy processors are let get: what is over is for bursts, ingest and upkeep."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What was measured: sizes, smallest first, at least one of them with embeddings; items and searches."""

    sizes: tuple[Size, ...]
    sample: Sample


@dataclass(frozen=True, slots=True)
class Sized:
    """For `items` photos of one entry each and `rate` new searches a second: processor cores, bytes of memory
    (at least; with all embeddings in the page cache) and of disk without images' files, and the core hours
    that storing all of it takes once. `beyond`: more items than were measured.
    """

    items: int
    rate: float
    cores: int
    least_memory: float
    whole_memory: float
    disk: float
    core_hours: float
    beyond: bool


def sized(cost: Cost, items: int, rate: float) -> Sized:
    """The formulas, as docs/scaling.md tells them."""
    sample, whole = cost.sample, embedded(cost)
    search_s = sample.search_cpu_s + at(cost, items, lambda size: size.opened.plain_searches.cpu_ms) / 1e3
    own = at(cost, items, own_memory)
    codes = items * cost.sizes[-1].bits / 8
    columns = items * whole.columns_bytes / whole.items
    records = items * (whole.records_bytes / whole.items + sample.photo_graph_bytes)
    write_s = whole.write_cpu_s / whole.items
    return Sized(
        items=items,
        rate=rate,
        cores=max(1, math.ceil(rate * search_s / BUSY)),
        least_memory=sample.server.own + own + codes,
        whole_memory=sample.server.own + own + columns,
        disk=records + columns,
        core_hours=items * (sample.photo_cpu_s + write_s) / 3600,
        beyond=items > cost.sizes[-1].items,
    )


def embedded(cost: Cost) -> Size:
    """The largest size that has embeddings."""
    return max((size for size in cost.sizes if size.dimension), key=lambda size: size.items)


def own_memory(size: Size) -> float:
    """Bytes of the index process's own for the collection alone, after searches of both kinds."""
    return max(0.0, size.opened.filtered.own - size.opened.empty.own)


def at(cost: Cost, items: int, value: Callable[[Size], float]) -> float:
    """A measured value at another size: on straight lines through the sizes measured, the last one going on,
    and the smallest's below it.
    """
    sizes = cost.sizes
    if items <= sizes[0].items or len(sizes) == 1:
        return value(sizes[0]) * max(1.0, items / sizes[0].items)
    after = next((place for place, size in enumerate(sizes) if size.items >= items), len(sizes) - 1)
    low, high = sizes[after - 1], sizes[after]
    slope = (value(high) - value(low)) / (high.items - low.items)
    return value(high) + (slope if items < high.items else max(0.0, slope)) * (items - high.items)
