"""Servicers of the default pack's apps, whichever pack that is when a call begins."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, TypeVar, cast

from scenograph.cli.compose.apps import Apps
from scenograph.runtime.packs import Packs

A = TypeVar("A")
S = TypeVar("S")


def switched(packs: Packs[Apps], app_of: Callable[[Apps], A], servicer: Callable[[A], S]) -> S:
    """A servicer like those that `servicer`, a class, makes of an app.

    Each call is served, from its first message to its last, by the app of the pack that is the default when
    it begins; the pack cannot be unloaded before it ends.
    """
    return cast("S", _Switched(packs, app_of, servicer))


class _Switched:
    def __init__(
        self, packs: Packs[Apps], app_of: Callable[[Apps], Any], servicer: Callable[[Any], Any]
    ) -> None:
        self._packs = packs
        self._app_of = app_of
        self._servicer = servicer

    def __getattr__(self, method: str) -> Callable[[Any, Any], Any]:
        def bound(apps: Apps) -> Callable[[Any, Any], Any]:
            handler: Callable[[Any, Any], Any] = getattr(self._servicer(self._app_of(apps)), method)
            return handler

        async def answer(request: Any, context: Any) -> Any:
            with self._packs.use() as apps:
                return await bound(apps)(request, context)

        async def answers(request: Any, context: Any) -> AsyncIterator[Any]:
            with self._packs.use() as apps:
                async with aclosing(bound(apps)(request, context)) as responses:
                    async for response in responses:
                        yield response

        streams = inspect.isasyncgenfunction(getattr(self._servicer, method))
        return answers if streams else answer
