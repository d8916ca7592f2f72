"""Measures the trained heads on Flickr8k's dev part, and adds what they find there to their cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from scenograph.metrics.retrieval import KS, caption_retrieval
from scenograph.nn.hash_head import LENGTHS, HashHead
from scenograph.nn.projection import side_by_side
from scenograph.packs.build.levels import WEIGHTS
from scenograph.packs.build.trained import load_trained
from scenograph.packs.training.card import add_measured
from scenograph.packs.training.towers import trained_towers
from scenograph.train.tower_data import TowerData

ORDERS = 10
"""Orders of equal Hamming distances that are tried."""
ROWS = 200  # photographs at a time

FloatArray = NDArray[np.float32]
Scores = NDArray[np.float64]
Recalls = tuple[tuple[float, ...], tuple[float, ...]]
"""In per cent at each of KS: text to image, image to text."""


def measure_heads(data: TowerData, folder: Path, tell: Callable[[str], None] = print) -> None:
    """Recall of each level, of the embedding and of the codes, in torch; `folder` has weights and cards.

    The photographs are those of `data`, in their first view.
    """
    image, text = _levels(data, folder)
    owner = np.repeat(np.arange(len(data)), data.captions_each)
    embeddings = {name: _recalls(image[name] @ text[name].T, owner) for name in image}
    told = _table(
        {f"{name} alone": found for name, found in embeddings.items() if name != "embedding"}
        | {f"all, weighted {', '.join(map(str, WEIGHTS))}": embeddings["embedding"]},
        "level of the embedding",
    )
    for name in ("image_head", "text_head", "tuned_stage"):
        add_measured(folder / f"{name}.md", told)
    tell(told)
    head = load_trained(HashHead(), "hash_head", folder).eval()
    told = _table(_codes(head, image["embedding"], text["embedding"], owner), "codes")
    told += (
        f"\nEqual Hamming distances: the mean of {ORDERS} random orders. *Surest bits*: a differing bit "
        "counts as much as the\nquery's projection is large.\n"
    )
    add_measured(folder / "hash_head.md", told)
    tell(told)


def _levels(data: TowerData, folder: Path) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Unit vectors of photographs and captions, by level, and "embedding": (n, D), (n * captions, D)."""
    towers = trained_towers(folder)
    seen, read = [], []
    for photos in np.array_split(np.arange(len(data)), max(1, len(data) // ROWS)):
        with torch.inference_mode():
            view = data.seen(photos, np.zeros_like(photos))
            seen.append(towers.image_levels(view, tuned=True))
            read.append(towers.text_levels(data.read(data.captions_of(photos)), tuned=True)[0])
    found = []
    for parts in (seen, read):
        levels = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        own = {name: normalize(vectors, dim=-1).numpy() for name, vectors in levels.items()}
        found.append(own | {"embedding": side_by_side(list(levels.values()), towers.image.weights).numpy()})
    return found[0], found[1]


def _codes(
    head: HashHead, image: FloatArray, text: FloatArray, owner: NDArray[np.int64]
) -> dict[str, Recalls]:
    with torch.inference_mode():
        seen, asked = (
            head(torch.from_numpy(vectors)).numpy().astype(np.float64) for vectors in (image, text)
        )
    signs = [np.where(projections > 0, 1.0, -1.0) for projections in (seen, asked)]
    random = np.random.default_rng(0)
    found: dict[str, Recalls] = {}
    for length in LENGTHS:
        alike = signs[0][:, :length] @ signs[1][:, :length].T
        tried = [_recalls(alike + random.uniform(0, 0.5, alike.shape), owner) for _ in range(ORDERS)]
        t2i, i2t = (np.mean([each[way] for each in tried], axis=0).tolist() for way in (0, 1))
        found[f"{length} bits, Hamming"] = tuple(t2i), tuple(i2t)
        by_caption = _recalls(signs[0][:, :length] @ asked[:, :length].T, owner)
        by_photo = _recalls(seen[:, :length] @ signs[1][:, :length].T, owner)
        found[f"{length} bits, surest bits"] = by_caption[0], by_photo[1]
    return found


def _recalls(scores: Scores | FloatArray, owner: NDArray[np.int64]) -> Recalls:
    t2i, i2t = caption_retrieval(scores, owner)
    return tuple(100 * t2i.recall[k] for k in KS), tuple(100 * i2t.recall[k] for k in KS)


def _table(rows: Mapping[str, Recalls], what: str) -> str:
    lines = [f"| {what} | text to image R@{' / '.join(map(str, KS))} | image to text |", "|---|---|---|"]
    for name, found in rows.items():
        t2i, i2t = (" / ".join(f"{value:.1f}" for value in way) for way in found)
        lines.append(f"| {name} | {t2i} | {i2t} |")
    return "\n".join(lines) + "\n"
