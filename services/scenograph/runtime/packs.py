"""The packs that a process serves with: which are loaded, which is the default, and who uses each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from scenograph.scene.errors import PackInUse, PackNotLoaded

T = TypeVar("T")
Close = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    """Nothing is to be closed."""


@dataclass(slots=True, eq=False)
class _Loaded(Generic[T]):
    served_by: T
    close: Close
    calls: int = 0
    unused: asyncio.Event = field(default_factory=asyncio.Event)


class Packs(Generic[T]):
    """What serves each loaded pack, by the pack's id "name@version". For one event loop.

    Whoever uses a pack holds it until the end: switching the default changes nothing for calls under way.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, _Loaded[T]] = {}
        self._default = ""
        self._ended = asyncio.Event()

    def __contains__(self, pack: str) -> bool:
        return pack in self._loaded

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._loaded))

    @property
    def default(self) -> str:
        """The id of the default pack; empty before the first is added."""
        return self._default

    async def quiet(self, calls: int) -> None:
        """Returns once no more than so many uses are under way, of all packs together."""
        while sum(loaded.calls for loaded in self._loaded.values()) > calls:
            self._ended.clear()
            await self._ended.wait()

    def calls_of(self, pack: str) -> int:
        """How many uses of a pack are under way; 0 where it is not loaded."""
        return self._loaded[pack].calls if pack in self._loaded else 0

    def add(self, pack: str, served_by: T, close: Close = _nothing) -> None:
        """Takes a pack in; the first becomes the default. `close` frees it, once `remove` has let it go."""
        self._loaded[pack] = _Loaded(served_by, close)
        self._default = self._default or pack

    def set_default(self, pack: str) -> str:
        """Serves what begins from now on, and names no pack, with this one; the default until now.

        Errors: PackNotLoaded.
        """
        self._get(pack)
        previous, self._default = self._default, pack
        return previous

    @contextmanager
    def use(self, pack: str = "") -> Iterator[T]:
        """What serves a pack, or the default one, for as long as the block lasts. Errors: PackNotLoaded."""
        loaded = self._get(pack or self._default)
        loaded.calls += 1
        try:
            yield loaded.served_by
        finally:
            loaded.calls -= 1
            self._ended.set()
            if not loaded.calls:
                loaded.unused.set()

    async def remove(self, pack: str) -> None:
        """Lets no use begin any more, waits for those under way, and frees the pack.

        Errors: PackNotLoaded, PackInUse (it is the default).
        """
        loaded = self._get(pack)
        if pack == self._default:
            raise PackInUse(f"{pack} is the default pack; set another one first", metadata={"pack": pack})
        del self._loaded[pack]
        while loaded.calls:
            loaded.unused.clear()
            await loaded.unused.wait()
        await loaded.close()

    async def close(self) -> None:
        """Frees all packs, whoever uses them."""
        while self._loaded:
            _, loaded = self._loaded.popitem()
            await loaded.close()

    def _get(self, pack: str) -> _Loaded[T]:
        loaded = self._loaded.get(pack)
        if loaded is None:
            there = ", ".join(self._loaded) or "none"
            raise PackNotLoaded(
                f"pack {pack!r} is not loaded here (loaded: {there})", metadata={"pack": pack}
            )
        return loaded
