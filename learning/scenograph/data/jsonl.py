"""Captioned photographs as JSON lines: `{"image": path, "captions": [...], "split": "train"}`, one a line.

The layout for photographs of one's own; paths are relative to the file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scenograph.data.card import DatasetCard
from scenograph.data.contracts import CaptionSplit
from scenograph.data.files import wrong
from scenograph.data.tables import Captions

FILE = "captions.jsonl"


def load_jsonl(card: DatasetCard, file: Path) -> Captions:
    """The dataset of one file; its splits are those that the file names, in the order of their first photo.

    Errors: InvalidInput with the number of a wrong line.
    """
    splits: dict[str, list[tuple[Path, tuple[str, ...]]]] = {}
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise wrong(card, file, f"cannot be read: {error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            entry = (file.parent / value["image"], _captions(value))
            splits.setdefault(value.get("split", "train"), []).append(entry)
        except (ValueError, KeyError, TypeError) as error:
            problem = f"no {error} in it" if isinstance(error, KeyError) else str(error)
            raise wrong(card, file, f"line {number}: {problem}") from error

    def read(split: str) -> CaptionSplit:
        photos = splits[split]
        return CaptionSplit(tuple(image for image, _ in photos), tuple(captions for _, captions in photos))

    return Captions(card, tuple(splits), read)


def _captions(value: Any) -> tuple[str, ...]:
    captions = value["captions"]
    if not isinstance(captions, list) or not captions or not all(isinstance(item, str) for item in captions):
        raise TypeError("'captions' must be a list of one or more strings")
    return tuple(captions)
