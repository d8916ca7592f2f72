"""What the default pack's towers are trained on: frozen models' answers to photographs and captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scenograph.data.tokens import TokenStates
from scenograph.nn.image_head import FLOOR
from scenograph.train.task import RowArray

GROUPS = 4
MAX_TOKENS = 40
"""What is beyond is not trained on; few captions have half as many."""
FeatureArray = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class PhotoView:
    """What the frozen models say of one view of n photographs.

    Shapes: states (n, 9, 9, 208), what the tuned stage takes; backbone (n, 2560); detector (n, 2560);
    classes (n, 1000) probabilities; objects (n, 80) scores.
    """

    states: FeatureArray
    backbone: FeatureArray
    detector: FeatureArray
    classes: FeatureArray
    objects: FeatureArray


@dataclass(frozen=True, slots=True, eq=False)
class TowerData:
    """Photographs in several views, the original first, and their captions, `captions_each` a photo, in
    order.

    `tokens` are the text encoder's last states, `middle` (all tokens, 384) those after its fourth layer;
    `roles` (all tokens,) is 1 for a token of a thing or of what it is like, 2 for one of what happens
    between things, 0 for any other. `names` (1080, 384) are the sentence vectors of the classifier's and the
    detector's labels.
    """

    views: Sequence[PhotoView]
    tokens: TokenStates
    middle: FeatureArray
    roles: NDArray[np.int8]
    names: FeatureArray
    captions_each: int = 5

    def __len__(self) -> int:
        return len(self.views[0].backbone)

    def captions_of(self, photos: RowArray) -> RowArray:
        """Rows of all captions of photos, photo by photo."""
        rows: RowArray = (photos[:, None] * self.captions_each + np.arange(self.captions_each)).ravel()
        return rows

    def seen(self, photos: RowArray, views: NDArray[np.int64], *, states: bool = True) -> dict[str, Tensor]:
        """The image head's inputs, but for the tuned stage's, and with `states` that stage's.

        Shapes: photos (B,), views (B,) -> (B, ...) each.
        """
        seen = {}
        for name in ("backbone", "detector", "classes", "objects", *(("states",) if states else ())):
            first: FeatureArray = getattr(self.views[0], name)
            values = np.empty((len(photos), *first.shape[1:]), np.float32)
            for view in np.unique(views):
                mine = views == view
                values[mine] = getattr(self.views[view], name)[photos[mine]]
            seen[name] = torch.from_numpy(values)
        seen["classes"] = torch.log(seen["classes"] + FLOOR)
        return seen

    def read(self, captions: RowArray) -> list[dict[str, Tensor]]:
        """Captions padded in groups of like length, as `Towers.text_levels` takes them."""
        tokens = self.tokens
        lengths = np.minimum(np.diff(tokens.offsets)[captions], MAX_TOKENS)
        groups = []
        for places in np.array_split(np.argsort(lengths, kind="stable"), GROUPS):
            shown = np.arange(lengths[places].max()) < lengths[places][:, None]
            index = np.where(shown, tokens.offsets[captions[places]][:, None] + np.arange(shown.shape[1]), 0)
            groups.append(
                {
                    "row": torch.from_numpy(places),
                    "sentence": torch.from_numpy(tokens.sentence[captions[places]]),
                    "tokens": torch.from_numpy(tokens.states[index].astype(np.float32)),
                    "middle": torch.from_numpy(self.middle[index].astype(np.float32)),
                    "mask": torch.from_numpy(shown.astype(np.int64)),
                    "roles": torch.from_numpy(np.where(shown, self.roles[index], 0)),
                }
            )
        return groups
