"""The task of every fine-grained matcher: images and sentences scored in pairs, not by one vector each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scenograph.components import Sizes, losses, nets, tasks
from scenograph.data.tokens import TokenStates
from scenograph.losses.score_contrast import ScoreContrast
from scenograph.losses.score_triplet import ScoreTriplet
from scenograph.methods.recipe import Recipe
from scenograph.metrics.retrieval import Retrieval, caption_retrieval
from scenograph.nn.matchers.matcher import Matcher, Said, Seen
from scenograph.scene.errors import InvalidInput
from scenograph.train.task import RowArray, Task
from scenograph.train.trainer import to_device
from scenograph.train.units import PartStates, UnitView, said_parts, seen_units

IMAGES, TEXTS = 50, 100
"""How many meet at once when all are scored."""
KS = (1, 5, 10)


@dataclass(frozen=True, slots=True, eq=False)
class MatchingData:
    """Photographs in one or more views, the original first, and their captions, `captions_each` a photo, in
    order: parts of their graphs, and tokens with the encoder's marks at both ends.
    """

    views: Sequence[UnitView]
    captions: PartStates
    tokens: TokenStates
    captions_each: int = 5


@tasks("matching.v1")
class Matching(Task):
    """Trains the recipe's [nets.matcher] by its losses on batches of photos, each with one of its captions.

    `photos` are the rows of `data` to train on, `held_out` those to validate on, of which each validation
    takes the first `validated` (0 for all of them). `max_words` cuts sentences. Losses read one of the
    matcher's score matrices, that of their parameter `on`. With several processes each contrasts its share of
    a batch.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: MatchingData,
        photos: RowArray,
        held_out: RowArray,
        /,
        *,
        validated: int = 0,
        max_words: int = 30,
    ) -> None:
        self.recipe, self.data, self.photos = recipe, data, photos
        self.held_out = held_out[:validated] if validated else held_out
        self.rows, self.max_words = len(photos), max_words
        extra = tuple(map(Path, recipe.components))
        if "matcher" not in recipe.nets:
            raise InvalidInput(f"{recipe.key}: needs [nets.matcher]", field="nets")
        view = data.views[0]
        sizes = Sizes(
            image=view.backbone.shape[2] + view.detector.shape[2] + view.scores.shape[2],
            text=data.captions.heads.shape[2],
            dimension=recipe.head.dimension,
            pairs=self.rows,
        )
        net = recipe.nets["matcher"]
        self.matcher: Matcher = nets.build(net.name, sizes, parameters=net.parameters, extra=extra)
        terms: list[ScoreTriplet | ScoreContrast] = [
            losses.build(term.name, sizes, parameters=term.parameters, extra=extra) for term in recipe.loss
        ]
        self.terms = terms
        self.module = nn.ModuleDict({"matcher": self.matcher, "losses": nn.ModuleList(terms)})

    def batch(self, rows: RowArray, rng: np.random.Generator) -> dict[str, Any]:
        photos, each = self.photos[rows], self.data.captions_each
        captions = photos * each + rng.integers(0, each, len(photos))
        return {
            "seen": self.seen(photos, rng.integers(0, len(self.data.views), len(photos))),
            "said": self.said(captions),
        }

    def losses(self, batch: Any) -> Mapping[str, Tensor]:
        found = self.matcher(batch["seen"], batch["said"])
        parts: dict[str, Tensor] = {}
        for term, loss in zip(self.recipe.loss, self.terms, strict=True):
            if loss.on not in found:
                known = ", ".join(found)
                raise InvalidInput(
                    f'loss "{term.name}" reads {loss.on!r}, which the matcher does not give; known: {known}'
                )
            parts[f"{term.name}.{loss.on}"] = term.weight * loss(found[loss.on])
        return parts

    def validate(self) -> Mapping[str, float]:
        """Recall at 1, 5 and 10 in per cent, both ways, of held-out photos and their captions; their sum."""
        if not len(self.held_out):
            return {}
        t2i, i2t = self.recall(self.held_out)
        found = {
            f"{way}_r{k}": 100 * recalls.recall[k]
            for way, recalls in (("t2i", t2i), ("i2t", i2t))
            for k in KS
        }
        return {**found, "recalls": sum(found.values())}

    def recall(self, photos: RowArray) -> tuple[Retrieval, Retrieval]:
        """Text to image and image to text of these photos and all their captions."""
        owner = np.repeat(np.arange(len(photos)), self.data.captions_each)
        return caption_retrieval(self.scores(photos), owner, KS)

    @torch.inference_mode()
    def scores(self, photos: RowArray) -> NDArray[np.float32]:
        """These photos with all their captions, block by block.  Shapes: -> (n, n * captions_each)."""
        each = self.data.captions_each
        captions = (photos[:, None] * each + np.arange(each)).ravel()
        self.matcher.eval()
        device = next(self.matcher.parameters()).device
        original = np.zeros(IMAGES, np.int64)
        images = [
            self.matcher.see(to_device(self.seen(part, original[: len(part)]), device))
            for part in _cut(photos, IMAGES)
        ]
        blocks = []
        for part in _cut(captions, TEXTS):
            texts = self.matcher.read(to_device(self.said(part), device))
            blocks.append(torch.cat([self.matcher.compare(one, texts)["scores"] for one in images]))
        found: NDArray[np.float32] = torch.cat(blocks, dim=1).float().cpu().numpy()
        return found

    def seen(self, photos: RowArray, views: NDArray[np.int64]) -> Seen:
        """The units of these photos, each in the view of that number."""
        units = seen_units(self.data.views, photos, views)
        classes = units["scores"].clamp_min(0).sqrt()
        features = torch.cat([units["backbone"], units["detector"], classes], dim=-1)
        return Seen(features, units["boxes"], units["present"] > 0)

    def said(self, captions: RowArray) -> Said:
        """The graphs and words of these captions."""
        parts = said_parts(self.data.captions, captions)
        words = [self.data.tokens.caption(int(row))[1:-1][: self.max_words] for row in captions]
        most = max(1, *map(len, words)) if words else 1
        padded = np.zeros((len(words), most, self.data.captions.heads.shape[2]), np.float32)
        for row, states in enumerate(words):
            padded[row, : len(states)] = states
        count = torch.tensor([len(states) for states in words])
        return Said(
            heads=parts["heads"], attributes=parts["attributes"], predicates=parts["predicates"],
            subjects=parts["subjects"], objects=parts["objects"], has_object=parts["has_object"] > 0,
            has_relation=parts["has_relation"] > 0, words=torch.from_numpy(padded),
            has_word=torch.arange(most) < count[:, None],
        )  # fmt: skip


def _cut(rows: RowArray, size: int) -> Iterator[RowArray]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
