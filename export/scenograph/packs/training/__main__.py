"""`python -m scenograph.packs.training PART ...`: train parts of the default pack, in order."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from scenograph.data.cache import FeatureCache
from scenograph.data.contracts import CaptionSplit
from scenograph.data.datasets import load_captions
from scenograph.data.digests import digest_files, digest_of, digest_texts
from scenograph.packs.build.trained import FOLDER
from scenograph.packs.training.features import FrozenModels
from scenograph.packs.training.measure import measure_heads
from scenograph.packs.training.towers import train_hash, train_towers

PARTS: dict[str, Callable[..., None]] = {"towers": train_towers, "hash": train_hash}
MEASURE = "measure"
VALIDATION = 1000


def main() -> None:
    """Features first, which are kept; then each part's training, its weights and its card.

    "measure" adds what the trained heads find on the dev part to the cards.
    """
    arguments = argparse.ArgumentParser(prog="scenograph.packs.training", description=__doc__)
    arguments.add_argument("parts", nargs="*", choices=(*PARTS, MEASURE), default=[*PARTS, MEASURE])
    arguments.add_argument(
        "--data", type=Path, default=Path(os.environ.get("SCENOGRAPH_DATA", "../shared/data"))
    )
    arguments.add_argument("--cache", type=Path, default=Path("build/features"))
    arguments.add_argument("--out", type=Path, default=Path("build/training"))
    arguments.add_argument("--weights", type=Path, default=FOLDER, help="where weights and cards go")
    arguments.add_argument(
        "--validate", action="store_true", help=f"hold {VALIDATION} training photographs out to measure on"
    )
    chosen = arguments.parse_args()
    captions, models = (
        load_captions("flickr8k", chosen.data),
        FrozenModels(FeatureCache(chosen.cache), _report),
    )
    if parts := [part for part in chosen.parts if part != MEASURE]:
        _train(parts, captions.captions("train"), models, chosen)
    if MEASURE in chosen.parts:
        measure_heads(models.tower_data(captions.captions("dev"), parts=()), chosen.weights)


def _train(parts: list[str], split: CaptionSplit, models: FrozenModels, chosen: argparse.Namespace) -> None:
    digest = digest_of(digest_files(split.images), digest_texts(c for own in split.captions for c in own))
    data = models.tower_data(split)
    held = np.random.default_rng(0).permutation(len(data))[:VALIDATION] if chosen.validate else None
    for part in parts:
        PARTS[part](
            data,
            digest,
            held_out=None if held is None else np.sort(held),
            out=chosen.out,
            progress=_report,
            folder=chosen.weights,
        )


def _report(what: str, done: int, total: int) -> None:
    if done == total or done % max(1, total // 20) == 0:
        print(f"{what}: {done} of {total}", flush=True)


if __name__ == "__main__":
    main()
