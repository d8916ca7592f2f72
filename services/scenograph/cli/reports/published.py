"""What papers print for a method on a dataset, to stand beside what was measured."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Published:
    """MAP@ALL in [0, 1], of hashing methods by the paper protocol; `tag` says how sure the quotation is."""

    image_to_text: float
    text_to_image: float
    tag: str
    source: str
    setting: str


def published(dataset: str, method: str, bits: int | None = None) -> Published | None:
    """The first entry of `published.toml` for this method and length of code (None: real-valued)."""
    for entry in _entries():
        figures = entry["methods"].get(method)
        lengths = entry.get("bits")
        if entry["dataset"] != dataset or figures is None or (lengths is None) != (bits is None):
            continue
        if lengths is not None and bits not in lengths:
            continue
        place = None if lengths is None else lengths.index(bits)
        to_text, to_image = (
            figures[name] if place is None else figures[name][place]
            for name in ("image_to_text", "text_to_image")
        )
        return Published(to_text, to_image, entry["tag"], entry["source"], entry["setting"])
    return None


@cache
def _entries() -> list[dict[str, Any]]:
    text = files("scenograph.cli.reports").joinpath("published.toml").read_text(encoding="utf-8")
    entries: list[dict[str, Any]] = tomllib.loads(text)["result"]
    return entries
