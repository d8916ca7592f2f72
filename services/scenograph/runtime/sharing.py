"""Costly things that several packs hold alike: made once, freed when nobody holds them any more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Shared(Generic[K, V]):
    """Values by what makes them alike, the digest of a model's file for one. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._making: dict[K, threading.Lock] = {}
        self._held: dict[K, tuple[V, int]] = {}

    def hold(self, key: K, make: Callable[[], V]) -> V:
        """The value, made here where nobody has it (blocking); each `hold` wants a `release`."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._held:
                    value, holders = self._held[key]
                    self._held[key] = (value, holders + 1)
                    return value
            value = make()
            with self._lock:
                self._held[key] = (value, 1)
            return value

    def release(self, key: K) -> V | None:
        """Lets go; the value where that was its last holder, for whoever must close it."""
        with self._lock:
            value, holders = self._held[key]
            if holders > 1:
                self._held[key] = (value, holders - 1)
                return None
            del self._held[key]
            return value

    def __len__(self) -> int:
        return len(self._held)
