"""Importing a library without another that it would load along."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(module: str) -> Iterator[None]:
    """Inside the block the module is as if it were not installed, unless it was imported before.

    spaCy imports torch wherever it is installed: 4 seconds and 130 MiB that no part of a server uses.
    """
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # Python's own word for "not importable"
    try:
        yield
    finally:
        del sys.modules[module]
