"""Work done once for all who ask for it at the same time or soon after."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable, Sequence
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Pass(Generic[K, V]):
    """Keys that are worked on together, and how many calls wait for them."""

    def __init__(self, task: asyncio.Task[dict[K, V]]) -> None:
        self.task = task
        self.waiting = 0


class SharedPasses(Generic[K, V]):
    """Values by key, made by `make` for the keys that nobody has or makes yet; the last `remembered` stay.

    What a call starts goes on while any call waits for it, whoever started it. All calls come from one event
    loop. What `make` raises reaches every call that waits for it.
    """

    def __init__(
        self, make: Callable[[Sequence[K]], Coroutine[Any, Any, Sequence[V]]], remembered: int
    ) -> None:
        self._make = make
        self._remembered = remembered
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._passes: dict[K, _Pass[K, V]] = {}

    async def get(self, keys: Sequence[K]) -> list[V]:
        """The values of keys, in order."""
        found: dict[K, V] = {}
        needed: dict[_Pass[K, V], None] = {}
        missing: list[K] = []
        for key in dict.fromkeys(keys):
            if key in self._kept:
                self._kept.move_to_end(key)
                found[key] = self._kept[key]
            elif key in self._passes:
                needed[self._passes[key]] = None
            else:
                missing.append(key)
        if missing:
            needed[self._start(missing)] = None
        for one in needed:
            one.waiting += 1
        try:
            for one in needed:
                found |= await asyncio.shield(one.task)
        finally:
            for one in needed:
                self._leave(one)
        return [found[key] for key in keys]

    def _start(self, keys: Sequence[K]) -> _Pass[K, V]:
        async def work() -> dict[K, V]:
            return dict(zip(keys, await self._make(keys), strict=True))

        started = _Pass(asyncio.create_task(work()))
        self._passes |= dict.fromkeys(keys, started)

        def done(task: asyncio.Task[dict[K, V]]) -> None:
            self._forget(started)
            if not task.cancelled() and task.exception() is None:
                self._keep(task.result())

        started.task.add_done_callback(done)
        return started

    def _leave(self, one: _Pass[K, V]) -> None:
        """Stops work that nobody waits for any more; who comes after it begins anew."""
        one.waiting -= 1
        if not one.waiting and not one.task.done():
            self._forget(one)
            one.task.cancel()

    def _forget(self, one: _Pass[K, V]) -> None:
        for key in [key for key, other in self._passes.items() if other is one]:
            del self._passes[key]

    def _keep(self, values: dict[K, V]) -> None:
        self._kept |= values
        while len(self._kept) > self._remembered:
            self._kept.popitem(last=False)
