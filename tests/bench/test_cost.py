"""What collections cost: measured on small ones; sizing as calculated by hand; the page as its figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scenograph.bench import codes, cost, cost_sample
from scenograph.bench.cost_process import Memory, Opened, Searches, cpu_seconds, memory
from scenograph.bench.cost_sample import Sample
from scenograph.bench.picture import drawn_picture
from scenograph.bench.sizing import Cost, at, embedded, sized
from scenograph.cli.reports.cost import (
    END,
    START,
    Measured,
    cost_tables,
    read_measured,
    with_cost,
    write_measured,
)
from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client
from tests.support import ROOT

PAGE = ROOT / "docs" / "scaling.md"


def opened(own: int, cpu_ms: float) -> Opened:
    searches = Searches(1.0, 2.0, cpu_ms)
    start = Memory(10, 10)
    return Opened(0, 0.1, start, start, start, Memory(10 + own, 99), searches, 5.0, searches, 0.1, 100)


def size(items: int, dimension: int, *, own: int, cpu_ms: float) -> cost.Size:
    return cost.Size(items, 256, dimension, 4000 * items, 5000 * items, 1.0, items / 1e4, opened(own, cpu_ms))


SAMPLE = Sample(9, 9, "p@1", 960, 0.1, 0.01, 0.02, 20.0, 1e5, 1000.0, 100.0, Memory(700, 50))
COST = Cost((size(1000, 960, own=0, cpu_ms=2), size(2000, 960, own=500, cpu_ms=3)), SAMPLE)


def test_what_is_needed_is_as_calculated_by_hand() -> None:
    need = sized(COST, 2000, 40)
    assert need.cores == 2  # 40 a second, of 0.02 + 0.003 s each, half busy: 1.84
    assert need.least_memory == 700 + 500 + 2000 * 32
    assert need.whole_memory == 700 + 500 + 2000 * 5000
    assert need.disk == 2000 * (4000 + 5000 + 1000)
    assert need.core_hours == pytest.approx(2000 * (0.1 + 1e-4) / 3600)
    assert not need.beyond and sized(COST, 4000, 40).beyond


def test_sizes_in_between_and_beyond_are_on_straight_lines() -> None:
    def value(items: int) -> float:
        return at(COST, items, lambda each: each.opened.plain_searches.cpu_ms)

    assert [value(items) for items in (1, 1000, 1500, 2000, 4000)] == [2, 2, 2.5, 3, 5]
    falling = Cost((size(1000, 8, own=0, cpu_ms=9), size(2000, 0, own=0, cpu_ms=4)), SAMPLE)
    assert at(falling, 9000, lambda each: each.opened.plain_searches.cpu_ms) == 4
    assert embedded(falling).items == 1000
    alone = Cost((size(1000, 8, own=70, cpu_ms=1),), SAMPLE)
    assert at(alone, 3000, lambda each: each.opened.plain_searches.cpu_ms) == 3


def test_more_takes_no_less() -> None:
    for items in (500, 1000, 3000, 10**6):
        one, more, faster = (sized(COST, *given) for given in ((items, 10), (2 * items, 10), (items, 99)))
        assert one.cores <= more.cores and one.cores <= faster.cores
        assert one.least_memory < more.least_memory < more.whole_memory and one.disk < more.disk


@pytest.mark.parametrize("dimension", [16, 0])
def test_a_collection_is_measured(tmp_path: Path, dimension: int) -> None:
    random = np.random.default_rng(0)
    photos = random.standard_normal((40, 64)).astype(np.float32)
    texts = photos + 0.6 * random.standard_normal((40, 64)).astype(np.float32)
    mixture = codes.Mixture(codes.Projected(photos, texts, np.arange(40)))
    told: list[str] = []
    found = cost.measure(
        mixture, 500, dimension, searches=5, place=tmp_path, tell=lambda what, done, of: told.append(what)
    )
    assert (found.items, found.bits, found.dimension) == (500, 64, dimension)
    assert found.records_bytes > 500 * 4 * dimension and found.columns_bytes > 500 * 8
    assert found.write_s > 0 and found.write_cpu_s > 0
    inside = found.opened
    assert 0 < inside.empty.own < inside.started.own and inside.snapshot_bytes > 0 and inside.lists == 0
    for searches in (inside.plain_searches, inside.filtered_searches):
        assert 0 < searches.p50_ms <= searches.p99_ms and searches.cpu_ms > 0
    assert set(told) == {"items written", "lists made", "opened and searched"}
    assert list(tmp_path.iterdir()) == []
    measured = Measured({"machine": "m", "scenograph": "1", "date": "d", "codes": "c"}, (found,), SAMPLE)
    if dimension:
        write_measured(measured, tmp_path)
        assert read_measured(tmp_path) == measured and (tmp_path / "cost.png").stat().st_size > 10_000
        assert "| codes | 500 |" in cost_tables(measured) and "100,000,000 *" in cost_tables(measured)


@pytest.mark.pack
def test_an_item_and_a_search_are_measured(server: ServerProcess) -> None:
    assert server.process is not None
    process, pictures = server.process.pid, [drawn_picture(number) for number in range(2)]
    try:
        found = cost_sample.measure(
            server.address,
            process,
            server.log.parent / "data",
            pictures,
            items=4,
            searches=4,
            tell=lambda what: None,
        )
    finally:
        with Client(server.address) as client:
            for name in (cost_sample.PHOTOS, cost_sample.SENTENCES):
                client.delete_collection(name)
    assert found.server.own > 100e6 and memory(str(process)).files > 0
    assert cpu_seconds([process]) > 4 * (found.photo_cpu_s + found.search_cpu_s)
    assert found.photo_cpu_s > 0 and found.search_p50_ms > 0 and found.embedding_size == 960
    assert found.image_bytes == sum(map(len, pictures)) / 2 and found.sentence_graph_bytes > 0


def test_the_page_has_what_was_measured() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(START) == page.count(END) == 1
    assert with_cost(page, read_measured(PAGE.with_suffix(""))) == page
