"""The backbone's tuned stage: new, it is the backbone's; its depthwise gradient is autograd's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scenograph.nn.tuned_stage import FIRST_BLOCK, TunedStage


@pytest.fixture(scope="module")
def network() -> nn.Module:
    package = pytest.importorskip(
        "efficientnet_lite_pytorch", reason="only the pack's builder has it installed"
    )
    torch.manual_seed(0)
    made: nn.Module = package.EfficientNet.from_name("efficientnet-lite2").eval()
    return made


def states() -> torch.Tensor:
    return torch.randn(2, 9, 9, 208, generator=torch.Generator().manual_seed(1))


def test_a_new_stage_is_the_backbones(network: nn.Module) -> None:
    x = states().permute(0, 3, 1, 2)
    with torch.no_grad():
        for block in list(network._blocks)[FIRST_BLOCK:]:  # type: ignore[arg-type]
            x = block(x)
        x = network._swish(network._bn1(network._conv_head(x)))  # type: ignore[operator]
        expected = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        torch.testing.assert_close(TunedStage(network).eval()(states()), expected, atol=1e-4, rtol=1e-4)


def test_gradients_pass_the_fixed_convolutions(network: nn.Module) -> None:
    given = []
    for training in (True, False):  # by hand, by autograd
        stage, x = TunedStage(network).train(training), states().requires_grad_()
        stage(x).square().sum().backward()
        assert x.grad is not None
        given.append(x.grad)
    torch.testing.assert_close(given[0], given[1], rtol=1e-3, atol=1e-5)


def test_what_training_changed_is_all_that_is_kept(network: nn.Module) -> None:
    trained = TunedStage(network).eval()
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.mul_(1.1)
    again = TunedStage(network).eval()
    again.load_trained(trained.trained_state())
    with torch.no_grad():
        torch.testing.assert_close(again(states()), trained(states()))
    with pytest.raises(ValueError, match="another"):
        again.load_trained({**trained.trained_state(), "another": torch.zeros(1)})
