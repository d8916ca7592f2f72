"""Files of photographs with their sentences, a line each: `{"image": ..., "captions": [...], "split": ...}`.

`image` is a path relative to the file; `split` and `metadata` (an object) may be left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Captioned:
    """A photograph: the name that the file gives it, where it is, its sentences."""

    name: str
    path: Path
    captions: tuple[str, ...]
    split: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


def read_captions(file: Path, split: str = "") -> Iterator[Captioned]:
    """The photographs of one split, or of all. Errors: ValueError with the number of a wrong line."""
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = _record(json.loads(line), file.parent)
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{file}, line {number}: {_problem(error)}") from error
            if not split or record.split == split:
                yield record


def _record(value: Any, folder: Path) -> Captioned:
    name, captions = value["image"], value.get("captions", [])
    if not isinstance(name, str) or not isinstance(captions, list):
        raise TypeError("'image' must be a string and 'captions' a list of strings")
    if not all(isinstance(caption, str) for caption in captions):
        raise TypeError("'captions' must be a list of strings")
    return Captioned(name, folder / name, tuple(captions), value.get("split", ""), value.get("metadata", {}))


def _problem(error: Exception) -> str:
    return f"no {error} in it" if isinstance(error, KeyError) else str(error)
