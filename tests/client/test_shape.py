"""The two clients have the same methods with the same arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from scenograph.client import AsyncClient, Client


def _methods(kind: type) -> dict[str, Callable[..., object]]:
    return {
        name: method
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_") or name == "__init__"
    }


def test_the_same_methods() -> None:
    assert set(_methods(Client)) == set(_methods(AsyncClient))


@pytest.mark.parametrize("name", _methods(Client))
def test_the_same_arguments(name: str) -> None:
    one, other = (inspect.signature(_methods(kind)[name]) for kind in (Client, AsyncClient))
    assert list(one.parameters) == list(other.parameters)
    for mine, theirs in zip(one.parameters.values(), other.parameters.values(), strict=True):
        assert (mine.kind, mine.default) == (theirs.kind, theirs.default)
    if name != "__init__":
        asynchronous = _methods(AsyncClient)[name]
        assert inspect.iscoroutinefunction(asynchronous) or inspect.isasyncgenfunction(asynchronous)
