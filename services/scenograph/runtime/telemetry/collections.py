"""The size of each collection, asked for when the metrics are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

MOST = 100
OTHERS = "(others)"

COLLECTION_METRICS = (
    ("scenograph_collection_items", "gauge", ("collection",), "items of a collection"),
    ("scenograph_collection_entries", "gauge", ("collection",), "its entries: photos and sentences"),
    ("scenograph_collection_bytes", "gauge", ("collection",), "its size on disk"),
)
"""Name, kind, labels and meaning."""


class CollectionSize(NamedTuple):
    """How large a collection is; `bytes` on disk."""

    name: str
    items: int
    entries: int
    bytes: int


class CollectionSizes(Collector):
    """The `MOST` largest collections by name, the rest summed up as `OTHERS`."""

    def __init__(self, sizes: Callable[[], Sequence[CollectionSize]], registry: CollectorRegistry) -> None:
        self._sizes = sizes
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Registering asks for no sizes: the index may not be open yet."""
        return []

    def collect(self) -> Iterable[Metric]:
        sizes = bounded(self._sizes())
        columns = zip(*(size[1:] for size in sizes), strict=True)
        for (name, _, labels, meaning), column in zip(COLLECTION_METRICS, columns, strict=False):
            family = GaugeMetricFamily(name, meaning, labels=labels)
            for size, value in zip(sizes, column, strict=True):
                family.add_metric([size.name], value)
            yield family


def bounded(sizes: Sequence[CollectionSize]) -> list[CollectionSize]:
    """At most `MOST` collections by name, largest first, and one more for the rest."""
    ordered = sorted(sizes, key=lambda size: (-size.entries, size.name))
    rest = ordered[MOST:]
    if not rest:
        return ordered
    items, entries, size = map(sum, zip(*(size[1:] for size in rest), strict=True))
    return [*ordered[:MOST], CollectionSize(OTHERS, items, entries, size)]
