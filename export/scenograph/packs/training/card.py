"""Model cards of trained weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scenograph.methods.recipe import Recipe
from scenograph.packs.store import file_digest

_ABOUT = {
    "image_head": "What the vision models say of an image, to its embedding (`scenograph.nn.image_head`).",
    "text_head": "The text encoder's token states, to a sentence's embedding (`scenograph.nn.text_head`).",
    "tuned_stage": "The image backbone's last stage, tuned for retrieval (`scenograph.nn.tuned_stage`).",
    "hash_head": "An embedding, to the code that ranks like it (`scenograph.nn.hash_head`).",
}
_MEASURED = "Measured on Flickr8k's dev part (1,000 photographs, 5,000 captions), recall in per cent:"


@dataclass(frozen=True, slots=True)
class Card:
    """What there is to say of a training's weights; `scores` are of its last epoch."""

    recipe: Recipe
    data_digest: str
    photos: int
    scores: Mapping[str, float]


def write_card(path: Path, card: Card) -> None:
    """Write the card beside its weights."""
    rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in card.scores.items())
    path.write_text(
        f"""# {path.stem}

{_ABOUT[path.stem]}

| | |
|---|---|
| recipe | `{card.recipe.key}`, seed {card.recipe.train.seed}, {card.recipe.train.epochs} epochs |
| trained on | Flickr8k (Hodosh et al. 2013), {card.photos} training photographs, 5 captions each |
| data digest | `{card.data_digest}` |
| weights' digest | `{file_digest(path.with_suffix(".safetensors"))}` |
| licence | weights Apache-2.0, like this repository; Flickr8k is for research and is not part of it |

Last epoch:

| | |
|---|---|
{rows}
""",
        encoding="utf-8",
    )


def add_measured(path: Path, told: str) -> None:
    """Put what was measured at the end of a card, in place of what was there."""
    kept = path.read_text(encoding="utf-8").split(_MEASURED)[0]
    path.write_text(f"{kept.rstrip()}\n\n{_MEASURED}\n\n{told}", encoding="utf-8")
