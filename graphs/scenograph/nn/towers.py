"""Towers: image head, text head and the backbone's tuned stage as one module, for training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from scenograph.nn.image_head import LEVELS, NAMES, ImageHead
from scenograph.nn.label_level import LABEL
from scenograph.nn.text_head import TextHead
from scenograph.nn.tuned_stage import TunedStage

MAX_SCALE = 100.0


class Towers(nn.Module):
    """What is trained together. Each trained level has a temperature of its own, which is learned too."""

    def __init__(self, image: ImageHead, text: TextHead, stage: TunedStage, temperature: float) -> None:
        super().__init__()
        self.image, self.text, self.stage = image, text, stage
        self.log_scales = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(-math.log(temperature))) for name in LEVELS}
        )

    def scale(self, level: str) -> Tensor:
        """What a level's cosines are multiplied by in the loss."""
        scale: Tensor = self.log_scales[level].exp().clamp(max=MAX_SCALE)
        return scale

    def image_levels(self, seen: Mapping[str, Tensor], *, tuned: bool) -> dict[str, Tensor]:
        """Each level's vectors of photos. `seen` has the head's inputs and `states`, from which the stage
        makes its features; unless `tuned` the backbone's own stand in for them.
        """
        inputs = {name: value for name, value in seen.items() if name != "states"}
        own = self.stage(seen["states"]) if tuned else inputs["backbone"]
        return self.image.by_level({**inputs, "tuned": own})

    def text_levels(
        self, groups: Sequence[Mapping[str, Tensor]], *, tuned: bool
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Each level's vectors of captions, and how far the levels' attention is from their roles.

        `groups` are captions of like length: `row`, their places in the batch; `sentence`; `tokens`,
        `middle`, `mask`, `roles`. Unless `tuned` the sentence stands in for what the head's own layers make.
        """
        parts, teaching = [], []
        for group in groups:
            pooled = {
                "scene": self.text.scene(group["middle"], group["mask"]) if tuned else group["sentence"],
                LABEL: group["sentence"],
            }
            for role, name in enumerate(self.text.attention, start=1):
                logits = self.text.attended_logits(name, group["tokens"], group["mask"])
                wanted = (group["roles"] == role).float()
                told = wanted.sum(dim=1, keepdim=True)
                cross = -(log_softmax(logits, dim=1) * wanted).sum(dim=1, keepdim=True) / told.clamp_min(1)
                teaching.append((cross - told.clamp_min(1).log())[told > 0])
                pooled[name] = (group["tokens"] * logits.softmax(dim=1).unsqueeze(-1)).sum(dim=1)
            parts.append(self.text.by_level(pooled))
        order = torch.cat([group["row"] for group in groups]).argsort()
        vectors = {name: torch.cat([part[name] for part in parts])[order] for name in NAMES}
        return vectors, torch.cat(teaching).mean()
