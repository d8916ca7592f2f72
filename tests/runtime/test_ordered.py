"""Streams in order: bounded, and cancelled with their caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from scenograph.runtime.ordered import in_order


async def numbers(count: int, seen: list[int]) -> AsyncIterator[int]:
    for number in range(count):
        seen.append(number)
        yield number


async def test_answers_keep_the_order_of_requests() -> None:
    async def answer(number: int) -> int:
        await asyncio.sleep(0.01 if number % 2 == 0 else 0)
        return number * number

    answers = [item async for item in in_order(numbers(20, []), answer, 4)]
    assert answers == [number * number for number in range(20)]


async def test_no_more_than_the_limit_is_read_ahead() -> None:
    seen: list[int] = []
    most = 0
    running = 0

    async def answer(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return number

    async for number in in_order(numbers(30, seen), answer, 3):
        assert len(seen) <= number + 3 + 2
    assert most <= 3


async def test_leaving_cancels_what_runs() -> None:
    cancelled: list[int] = []

    async def answer(number: int) -> int:
        if number == 0:
            return number
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        return number

    stream = in_order(numbers(10, []), answer, 3)
    async for _ in stream:
        await asyncio.sleep(0.01)
        break
    await stream.aclose()  # type: ignore[attr-defined]
    assert cancelled


async def test_errors_of_requests_and_answers_come_out() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise ConnectionError("gone")

    async def answer(number: int) -> int:
        return number

    async def refuse(number: int) -> int:
        raise ValueError(number)

    with pytest.raises(ConnectionError):
        _ = [item async for item in in_order(broken(), answer, 2)]
    with pytest.raises(ValueError, match="0"):
        _ = [item async for item in in_order(numbers(3, []), refuse, 2)]
