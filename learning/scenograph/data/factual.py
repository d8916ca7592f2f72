"""FACTUAL: captions of image regions with the facts they state (Li et al. 2023, Findings of ACL).

Layout: `train.csv` and `dev.csv` with the columns image_id, region_id, caption, scene_graph; a graph is
written as `( subject , predicate , object ) , ( object , is , attribute )`.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scenograph.metrics.parsing import Fact, read_facts
from scenograph.scene.errors import InvalidInput

COLUMNS = ("image_id", "caption", "scene_graph")


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption and its facts; `image` tells which captions are of one picture."""

    image: str
    text: str
    facts: frozenset[Fact]


def read_factual(path: Path) -> list[Caption]:
    """The captions of one file, in order. Errors: InvalidInput (no such file, columns, a graph's form)."""
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            table = csv.DictReader(lines)
            if missing := [name for name in COLUMNS if name not in (table.fieldnames or ())]:
                raise InvalidInput(f"{path}: no column {', '.join(missing)}")
            rows = [tuple(row[name] or "" for name in COLUMNS) for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path}: not a FACTUAL file: {error}") from error
    captions = []
    for number, (image, text, graph) in enumerate(rows, start=1):
        try:
            captions.append(Caption(image, text, read_facts(graph)))
        except InvalidInput as error:
            raise InvalidInput(f"{path}, row {number}: {error.message}") from error
    return captions


def hold_out(captions: Sequence[Caption], share: float, seed: int = 0) -> tuple[list[Caption], list[Caption]]:
    """(training, held out): no picture has captions in both; `share` of the pictures are held out."""
    images = sorted({caption.image for caption in captions})
    random.Random(seed).shuffle(images)
    held = set(images[: round(len(images) * share)])
    return [c for c in captions if c.image not in held], [c for c in captions if c.image in held]
