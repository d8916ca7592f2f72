"""The dynamic batcher: order, limits, errors, cancellation."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from scenograph.runtime.batcher import Batcher
from scenograph.scene.errors import QueueFull


class Model:
    """Doubles numbers; can be held, and remembers what it was given, and on which thread."""

    def __init__(self) -> None:
        self.runs: list[list[int]] = []
        self.threads: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, rows: list[int]) -> Sequence[int]:
        self.runs.append(list(rows))
        self.threads.add(threading.current_thread().name)
        assert self.gate.wait(10)
        if -1 in rows:
            raise ValueError("no negative numbers")
        return [2 * row for row in rows]


@pytest.fixture
async def pool() -> AsyncIterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2, thread_name_prefix="model") as executor:
        yield executor


async def until(condition: object) -> None:
    assert callable(condition)
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to be")


async def test_each_caller_gets_its_own_answers_in_order(pool: ThreadPoolExecutor) -> None:
    model = Model()
    batcher = Batcher(model, pool, max_rows=4)
    calls = [list(range(start, start + size)) for start, size in ((0, 1), (10, 7), (30, 3), (50, 0))]
    answers = await asyncio.gather(*(batcher.submit(rows) for rows in calls))
    assert answers == [[2 * row for row in rows] for rows in calls]
    assert max(map(len, model.runs)) <= 4
    assert all(name.startswith("model") for name in model.threads)


async def test_rows_that_wait_go_together(pool: ThreadPoolExecutor) -> None:
    model = Model()
    model.gate.clear()
    batcher = Batcher(model, pool, max_rows=8)
    first = asyncio.create_task(batcher.submit([1]))
    await until(lambda: model.runs)
    rest = [asyncio.create_task(batcher.submit([row])) for row in range(2, 7)]
    await until(lambda: batcher.waiting == 5)
    model.gate.set()
    assert await asyncio.gather(first, *rest) == [[2], [4], [6], [8], [10], [12]]
    assert model.runs == [[1], [2, 3, 4, 5, 6]]


async def test_an_idle_model_waits_for_companions(pool: ThreadPoolExecutor) -> None:
    model = Model()
    batcher = Batcher(model, pool, max_rows=8, wait_s=0.05)
    await asyncio.gather(*(batcher.submit([row]) for row in range(3)))
    assert model.runs == [[0, 1, 2]]


async def test_a_full_batch_does_not_wait(pool: ThreadPoolExecutor) -> None:
    model = Model()
    batcher = Batcher(model, pool, max_rows=2, wait_s=60)
    assert await asyncio.wait_for(batcher.submit([1, 2]), 5) == [2, 4]


async def test_a_full_queue_says_when_to_come_back(pool: ThreadPoolExecutor) -> None:
    model = Model()
    batcher = Batcher(model, pool, max_rows=1, max_queue=2)
    await batcher.submit([0])
    model.gate.clear()
    tasks = [asyncio.create_task(batcher.submit([row])) for row in range(3)]
    await until(lambda: batcher.waiting == 2)
    with pytest.raises(QueueFull) as caught:
        await batcher.submit([9])
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s > 0
    model.gate.set()
    await asyncio.gather(*tasks)


async def test_a_call_larger_than_the_queue_runs_when_nothing_waits(pool: ThreadPoolExecutor) -> None:
    batcher = Batcher(Model(), pool, max_rows=2, max_queue=3)
    assert len(await batcher.submit(list(range(10)))) == 10


async def test_a_cancelled_caller_takes_its_waiting_rows_along(pool: ThreadPoolExecutor) -> None:
    model = Model()
    model.gate.clear()
    batcher = Batcher(model, pool, max_rows=2)
    running = asyncio.create_task(batcher.submit([1]))
    await until(lambda: model.runs)
    gone = asyncio.create_task(batcher.submit([2, 3, 4, 5, 6]))
    stays = asyncio.create_task(batcher.submit([7]))
    await until(lambda: batcher.waiting == 6)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert batcher.waiting == 1
    model.gate.set()
    assert await stays == [14]
    assert await running == [2]
    assert model.runs == [[1], [7]]


async def test_an_error_reaches_those_in_the_run_and_no_other(pool: ThreadPoolExecutor) -> None:
    model = Model()
    batcher = Batcher(model, pool, max_rows=1)
    results = await asyncio.gather(
        batcher.submit([1]), batcher.submit([-1, 5]), batcher.submit([2]), return_exceptions=True
    )
    assert results[0] == [2]
    assert isinstance(results[1], ValueError)
    assert results[2] == [4]
    assert batcher.waiting == 0


async def test_runs_go_side_by_side(pool: ThreadPoolExecutor) -> None:
    model = Model()
    model.gate.clear()
    batcher = Batcher(model, pool, max_rows=1, parallel=2)
    task = asyncio.create_task(batcher.submit([1, 2, 3]))
    await until(lambda: len(model.runs) == 2)
    model.gate.set()
    assert await task == [2, 4, 6]


async def test_rows_of_one_turn_go_together_without_a_wait(pool: ThreadPoolExecutor) -> None:
    model = Model()
    batcher = Batcher(model, pool, max_rows=8)
    await asyncio.gather(*(batcher.submit([row]) for row in range(3)))
    assert model.runs == [[0, 1, 2]]


async def held(model: Model, batcher: Batcher[int, int]) -> asyncio.Task[list[int]]:
    """A call that keeps the model busy until its gate is opened."""
    model.gate.clear()
    task = asyncio.create_task(batcher.submit([0]))
    await until(lambda: model.runs)
    return task


async def test_the_oldest_row_goes_with_those_of_its_size(pool: ThreadPoolExecutor) -> None:
    model = Model()
    batcher = Batcher(model, pool, max_rows=3, size=lambda row: row)
    calls = [await held(model, batcher)]
    calls += [asyncio.create_task(batcher.submit(rows)) for rows in ([50], [9, 52], [8], [51, 7])]
    await until(lambda: batcher.waiting == 6)
    model.gate.set()
    answers = await asyncio.gather(*calls)
    assert answers == [[0], [100], [18, 104], [16], [102, 14]]
    assert model.runs == [[0], [50, 52, 51], [9, 8, 7]]


async def test_an_odd_size_is_not_left_behind(pool: ThreadPoolExecutor) -> None:
    model = Model()
    batcher = Batcher(model, pool, max_rows=2, size=lambda row: row)
    calls = [await held(model, batcher)]
    calls += [asyncio.create_task(batcher.submit([row])) for row in (90, 1, 2, 3, 4)]
    await until(lambda: batcher.waiting == 5)
    model.gate.set()
    await asyncio.gather(*calls)
    assert 90 in model.runs[1]


async def test_a_cancelled_call_is_gone_from_among_the_sizes(pool: ThreadPoolExecutor) -> None:
    model = Model()
    batcher = Batcher(model, pool, max_rows=2, size=lambda row: row)
    first = await held(model, batcher)
    gone = asyncio.create_task(batcher.submit([5, 70, 6]))
    stays = asyncio.create_task(batcher.submit([71, 72, 4]))
    await until(lambda: batcher.waiting == 6)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert batcher.waiting == 3
    model.gate.set()
    assert await stays == [142, 144, 8] and await first == [0]
    assert model.runs == [[0], [71, 72], [4]]
