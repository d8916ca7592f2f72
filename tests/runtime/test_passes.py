"""Work that is shared: once for each key, whoever asks and whoever gives up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from scenograph.runtime.passes import SharedPasses
from scenograph.scene.errors import QueueFull


class Work:
    """Upper-cases words when it is let go."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.go = asyncio.Event()
        self.error: Exception | None = None
        self.ended = 0

    async def make(self, words: Sequence[str]) -> list[str]:
        self.asked.append(list(words))
        try:
            await self.go.wait()
        finally:
            self.ended += 1
        if self.error is not None:
            raise self.error
        return [word.upper() for word in words]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_calls_at_the_same_time_share_what_they_have_in_common() -> None:
    work = Work()
    shared = SharedPasses(work.make, remembered=10)
    first = asyncio.create_task(shared.get(["a", "b", "a"]))
    await settle()
    second = asyncio.create_task(shared.get(["c", "b"]))
    await settle()
    work.go.set()
    assert await first == ["A", "B", "A"] and await second == ["C", "B"]
    assert work.asked == [["a", "b"], ["c"]]
    assert await shared.get(["b", "c", "a"]) == ["B", "C", "A"]
    assert len(work.asked) == 2


async def test_only_the_last_are_kept_and_a_call_larger_than_that_is_answered() -> None:
    work = Work()
    work.go.set()
    shared = SharedPasses(work.make, remembered=2)
    assert await shared.get(list("abcd")) == list("ABCD")
    assert await shared.get(["d", "c"]) == ["D", "C"]
    assert len(work.asked) == 1
    await shared.get(["a"])  # which puts "d" out: it was asked for before "c"
    await shared.get(["c"])
    assert work.asked[1:] == [["a"]]
    await shared.get(["d"])
    assert work.asked[2:] == [["d"]]


async def test_who_began_may_leave() -> None:
    work = Work()
    shared = SharedPasses(work.make, remembered=2)
    first = asyncio.create_task(shared.get(["a"]))
    await settle()
    second = asyncio.create_task(shared.get(["a"]))
    await settle()
    first.cancel()
    await settle()
    work.go.set()
    assert await second == ["A"] and work.asked == [["a"]]


async def test_what_nobody_waits_for_stops_and_begins_anew() -> None:
    work = Work()
    shared = SharedPasses(work.make, remembered=2)
    calls = [asyncio.create_task(shared.get(["a"])) for _ in range(2)]
    await settle()
    for call in calls:
        call.cancel()
    await settle()
    assert work.ended == 1
    work.go.set()
    assert await shared.get(["a"]) == ["A"] and work.asked == [["a"], ["a"]]


async def test_an_error_reaches_all_and_is_not_kept() -> None:
    work = Work()
    work.error = QueueFull("full")
    shared = SharedPasses(work.make, remembered=2)
    calls = [asyncio.create_task(shared.get([word, "b"])) for word in "ac"]
    await settle()
    work.go.set()
    for call in calls:
        with pytest.raises(QueueFull):
            await call
    work.error = None
    assert await shared.get(["b"]) == ["B"]
