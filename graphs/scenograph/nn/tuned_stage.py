"""The last stage of EfficientNet-Lite2 once more, with weights of its own, tuned for finding by sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

FIRST_BLOCK = 16
"""The stage takes what the backbone's blocks before this one give, 208 channels."""


class TunedStage(nn.Module):
    """Five inverted residual blocks and the last convolution, batch norms folded in; then both poolings.

    The pointwise convolutions are trained; the depthwise ones stay the backbone's, for their gradient would
    cost more than all else together. A new stage computes what the backbone does.
    Shapes: states (B, h, w, 208) -> (B, 2560), the average and then the maximum of the last map.
    Source: Tan and Le 2019 (EfficientNet).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        blocks: Any = network._blocks
        self.blocks = nn.ModuleList(_Block(block) for block in list(blocks)[FIRST_BLOCK:])
        self.last = _pointwise(*_folded(network._conv_head, network._bn1))

    def forward(self, states: Tensor) -> Tensor:
        for block in self.blocks:
            states = block(states)
        last = functional.relu6(self.last(states)).flatten(1, 2)
        return torch.cat([last.float().mean(dim=1), last.amax(dim=1).float()], dim=-1)

    def trained_state(self) -> dict[str, Tensor]:
        """The tensors that training changes; the rest comes from the backbone."""
        return {name: tensor.detach() for name, tensor in self.named_parameters()}

    def load_trained(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `trained_state` gave."""
        missing, unexpected = self.load_state_dict(dict(state), strict=False)
        wrong = [name for name in missing if "depthwise" not in name] + unexpected
        if wrong:
            raise ValueError(f"not a tuned stage's tensors: {', '.join(wrong)}")


class _Block(nn.Module):
    """Expand, convolve each channel by itself, project; with the input added where the shapes agree."""

    depthwise: Tensor
    depthwise_bias: Tensor

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.expand = _pointwise(*_folded(block._expand_conv, block._bn0))
        weight, bias = _folded(block._depthwise_conv, block._bn1)
        self.register_buffer("depthwise", weight)
        self.register_buffer("depthwise_bias", bias)
        self.project = _pointwise(*_folded(block._project_conv, block._bn2))
        self.residual = self.expand.in_features == self.project.out_features

    def forward(self, states: Tensor) -> Tensor:
        wide = functional.relu6(self.expand(states)).permute(0, 3, 1, 2)
        if self.training:
            apply: Callable[..., Tensor] = _FixedDepthwise.apply
            mixed = apply(wide, self.depthwise, self.depthwise_bias)
        else:
            mixed = _convolve(wide, self.depthwise, self.depthwise_bias)
        narrow: Tensor = self.project(functional.relu6(mixed.permute(0, 2, 3, 1)))
        return states + narrow if self.residual else narrow


class _FixedDepthwise(torch.autograd.Function):
    """A depthwise convolution whose weights are fixed: its gradient is the convolution with them turned
    round.
    """

    @staticmethod
    def forward(ctx: Any, wide: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return _convolve(wide, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (weight,) = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        return _convolve(gradient, weight.flip(2, 3), None), None, None


def _convolve(wide: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Shapes: wide (B, C, h, w), weight (C, 1, k, k), k odd -> (B, C, h, w)."""
    return functional.conv2d(
        wide,
        weight.to(wide.dtype),
        None if bias is None else bias.to(wide.dtype),
        padding=weight.shape[-1] // 2,
        groups=weight.shape[0],
    )


def _folded(convolution: Any, norm: Any) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution that does what the two do in inference."""
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = convolution.weight * scale[:, None, None, None]
    return weight.detach().clone(), (norm.bias - norm.running_mean * scale).detach().clone()


def _pointwise(weight: Tensor, bias: Tensor) -> nn.Linear:
    """A 1x1 convolution over (..., channels)."""
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.load_state_dict({"weight": weight[:, :, 0, 0], "bias": bias})
    return layer
