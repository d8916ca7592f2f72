"""SSD MobileNet v2 (COCO), with the weights of TensorFlow's frozen graph `ssd_mobilenet_v2_coco_2018_03_29`.

Batch norms are folded into the convolutions and the class predictors keep only COCO's 80 used classes, so the
module does no work that its outputs do not need.
Sources: Sandler et al. 2018 (MobileNet v2), Liu et al. 2016 (SSD).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from scenograph.nn.frozen_graph import read_frozen_weights

IMAGE_SIZE = 300
# Expanded convolutions 0..16: output channels and stride of the depthwise convolution.
_BLOCKS = (
    *((16, 1), (24, 2), (24, 1), (32, 2), (32, 1), (32, 1), (64, 2), (64, 1), (64, 1), (64, 1)),
    *((96, 1), (96, 1), (96, 1), (160, 2), (160, 1), (160, 1), (320, 1)),
)
_TAPPED_BLOCK = 13  # its expansion (19 x 19 cells) feeds the first predictor
_EXTRA_LAYERS = (
    (2, 256, 512),
    (3, 128, 256),
    (4, 128, 256),
    (5, 64, 128),
)  # number, squeezed, output channels
_GRIDS = (19, 10, 5, 3, 2, 1)
_SCALES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
# Of the predictors' 91 outputs (0 is background, then COCO's 90 ids) these stand for no class.
_UNUSED_IDS = frozenset({0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83})
COCO_IDS = tuple(i for i in range(91) if i not in _UNUSED_IDS)
_BATCH_NORM_EPSILON = 1e-3

Weights = Mapping[str, npt.NDArray[np.float32]]


class SsdMobileNetV2(nn.Module):
    """Detector before non-maximum suppression.

    Shapes: image uint8 RGB (B, 300, 300, 3) -> boxes (B, 1917, 4) as x0, y0, x1, y1 in [0, 1];
    scores (B, 1917, 80); features (B, 2560), the average and then the maximum of the trunk's last map;
    map (B, 10, 10, 1280), that map.
    """

    anchors: Tensor

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        trunk = "FeatureExtractor/MobilenetV2"
        self.stem = _conv(weights, f"{trunk}/Conv", stride=2)
        self.blocks: Iterable[_Block] = nn.ModuleList(  # type: ignore[assignment]
            _Block(weights, f"{trunk}/expanded_conv{f'_{i}' if i else ''}", stride)
            for i, (_, stride) in enumerate(_BLOCKS)
        )
        self.head = _conv(weights, f"{trunk}/Conv_1")
        self.extras = nn.ModuleList(
            nn.Sequential(
                _conv(weights, f"{trunk}/layer_19_1_Conv2d_{n}_1x1_{squeezed}"),
                _conv(
                    weights, f"{trunk}/layer_19_2_Conv2d_{n}_3x3_s2_{out}_depthwise", stride=2, depthwise=True
                ),
                _conv(weights, f"{trunk}/layer_19_2_Conv2d_{n}_3x3_s2_{out}"),
            )
            for n, squeezed, out in _EXTRA_LAYERS
        )
        self.box_predictors = nn.ModuleList(_predictor(weights, i, "BoxEncodingPredictor") for i in range(6))
        self.class_predictors = nn.ModuleList(_predictor(weights, i, "ClassPredictor") for i in range(6))
        self.register_buffer("anchors", torch.from_numpy(ssd_anchors()), persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = self.stem(image.permute(0, 3, 1, 2).to(torch.float32) * (2 / 255) - 1)
        maps = []
        for i, block in enumerate(self.blocks):
            expanded = block.expand(x)
            if i == _TAPPED_BLOCK:
                maps.append(expanded)
            x = block.finish(x, expanded)
        x = last = self.head(x)
        maps.append(x)
        for extra in self.extras:
            x = extra(x)
            maps.append(x)
        encodings = [_flat(predict(m), 4) for predict, m in zip(self.box_predictors, maps, strict=True)]
        logits = [
            _flat(predict(m), len(COCO_IDS)) for predict, m in zip(self.class_predictors, maps, strict=True)
        ]
        boxes, scores = self._decode(torch.cat(encodings, dim=1)), torch.sigmoid(torch.cat(logits, dim=1))
        features = torch.cat([last.mean(dim=(2, 3)), last.amax(dim=(2, 3))], dim=-1)
        return boxes, scores, features, last.permute(0, 2, 3, 1)

    def _decode(self, encodings: Tensor) -> Tensor:
        """Box coder of the TensorFlow detection API: centre offsets / 10, log sizes / 5; order y, x, h, w."""
        centre = encodings[..., :2] * 0.1 * self.anchors[:, 2:] + self.anchors[:, :2]
        half = torch.exp(encodings[..., 2:] * 0.2) * self.anchors[:, 2:] * 0.5
        corners = torch.cat([(centre - half).flip(-1), (centre + half).flip(-1)], dim=-1)
        return corners.clamp(0.0, 1.0)


def load_detector(frozen_graph: Path) -> SsdMobileNetV2:
    """The detector with the weights of a `frozen_inference_graph.pb`, ready for inference."""
    return SsdMobileNetV2(read_frozen_weights(frozen_graph)).eval()


def ssd_anchors() -> npt.NDArray[np.float32]:
    """Anchors in the order of the predictors' outputs.  Shapes: -> (1917, 4) centre y, x, height, width."""
    anchors = []
    for level, grid in enumerate(_GRIDS):
        if level == 0:
            shapes = [(0.1, 1.0), (0.2, 2.0), (0.2, 0.5)]
        else:
            scale = _SCALES[level]
            shapes = [(scale, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 0.3333)]
            shapes.append((float(np.sqrt(scale * _SCALES[level + 1])), 1.0))
        centres = (np.arange(grid) + 0.5) / grid
        anchors += [
            (y, x, scale / np.sqrt(ratio), scale * np.sqrt(ratio))
            for y in centres
            for x in centres
            for scale, ratio in shapes
        ]
    return np.array(anchors, dtype=np.float32)


class _Block(nn.Module):
    """MobileNet v2's inverted residual: 1x1 expansion, 3x3 depthwise, linear 1x1 projection."""

    def __init__(self, weights: Weights, name: str, stride: int) -> None:
        super().__init__()
        has_expansion = f"{name}/expand/weights" in weights  # the first block has none
        self.expand = _conv(weights, f"{name}/expand") if has_expansion else nn.Identity()
        self.depthwise = _conv(weights, f"{name}/depthwise", stride=stride, depthwise=True)
        self.project = _conv(weights, f"{name}/project", relu=False)

    def finish(self, x: Tensor, expanded: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(expanded))
        return x + y if x.shape[1:] == y.shape[1:] else y


class _Conv(nn.Module):
    """A convolution with TensorFlow's SAME padding (the odd pixel goes right and below), perhaps ReLU6."""

    def __init__(self, weight: Tensor, bias: Tensor, *, stride: int, groups: int, relu: bool) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.kernel, self.stride, self.groups, self.relu = weight.shape[-1], stride, groups, relu

    def forward(self, x: Tensor) -> Tensor:
        total = max(
            self.kernel - (self.stride if x.shape[-1] % self.stride == 0 else x.shape[-1] % self.stride), 0
        )
        padding = total // 2
        if total % 2:
            x, padding = functional.pad(x, (padding, padding + 1, padding, padding + 1)), 0
        y = functional.conv2d(
            x, self.weight, self.bias, stride=self.stride, padding=padding, groups=self.groups
        )
        return functional.relu6(y) if self.relu else y


def _conv(
    weights: Weights, name: str, *, stride: int = 1, depthwise: bool = False, relu: bool = True
) -> _Conv:
    """A convolution of the trunk, its batch norm folded in; TensorFlow keeps kernels as (H, W, in, out)."""
    kernel = weights[f"{name}/depthwise_weights" if depthwise else f"{name}/weights"]
    kernel = kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(3, 2, 0, 1)
    norm = {
        part: weights[f"{name}/BatchNorm/{part}"].astype(np.float64)
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    }
    scale = norm["gamma"] / np.sqrt(norm["moving_variance"] + _BATCH_NORM_EPSILON)
    folded = kernel.astype(np.float64) * scale[:, None, None, None]
    bias = norm["beta"] - norm["moving_mean"] * scale
    groups = len(kernel) if depthwise else 1
    return _Conv(_tensor(folded), _tensor(bias), stride=stride, groups=groups, relu=relu)


def _predictor(weights: Weights, level: int, kind: str) -> _Conv:
    name = f"BoxPredictor_{level}/{kind}"
    kernel, bias = weights[f"{name}/weights"].transpose(3, 2, 0, 1), weights[f"{name}/biases"]
    if kind == "ClassPredictor":
        used = np.concatenate([np.array(COCO_IDS) + first for first in range(0, len(bias), 91)])
        kernel, bias = kernel[used], bias[used]
    return _Conv(_tensor(kernel), _tensor(bias), stride=1, groups=1, relu=False)


def _tensor(values: npt.NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def _flat(prediction: Tensor, width: int) -> Tensor:
    """(B, anchors * width, h, w) -> (B, h * w * anchors, width)."""
    return prediction.permute(0, 2, 3, 1).reshape(len(prediction), -1, width)
