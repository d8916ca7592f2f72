"""One process, or several under `torchrun`: which one this is, its device, and how rows are gathered."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True, slots=True)
class World:
    """This process's place among all, and its device."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
        return self.rank == 0

    def share(self, value: Any) -> Any:
        """The first process's value, in every process."""
        if self.size == 1:
            return value
        holder = [value]
        dist.broadcast_object_list(holder, src=0)
        return holder[0]

    def mean(self, value: float) -> float:
        """The mean over all processes."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=_exact(self.device))
        dist.all_reduce(total)
        return float(total) / self.size


@contextmanager
def joined(device: torch.device | None = None) -> Iterator[World]:
    """The processes that `torchrun` started, joined, or this one alone; on the accelerator if any."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World(device or _device(0))
        return
    place = device or _device(int(os.environ.get("LOCAL_RANK", "0")))
    ours = not dist.is_initialized()
    if ours:
        # Optimisers import it. Imported while there is a group, it keeps that group's threads past its end,
        # where they abort the interpreter's exit now and then (torch 2.13).
        import_module("torch._dynamo")
        dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield World(place, dist.get_rank(), dist.get_world_size())
    finally:
        if ours:
            dist.destroy_process_group()


def gathered(tensor: Tensor) -> Tensor:
    """All processes' rows, in the order of their ranks; gradients flow back to this process's own.

    Every process then computes the same loss over the whole batch, and the mean of their gradients, which
    DistributedDataParallel takes, is that of one process with the whole batch.
    Shapes: (B, ...) -> (size * B, ...); the same B everywhere.
    """
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return tensor
    if not tensor.requires_grad:
        return _all_rows(tensor)
    rows: Tensor = _Gather.apply(tensor)  # type: ignore[no-untyped-call]
    return rows


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        ctx.rows = len(tensor)
        return _all_rows(tensor)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        start = dist.get_rank() * ctx.rows
        return gradient[start : start + ctx.rows] * dist.get_world_size()


def _all_rows(tensor: Tensor) -> Tensor:
    parts = [torch.empty_like(tensor) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, tensor.contiguous())
    return torch.cat(parts)


def _device(local_rank: int) -> torch.device:
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return torch.device("cpu") if accelerator is None else torch.device(accelerator.type, local_rank)


def _exact(device: torch.device) -> torch.device:
    return torch.device("cpu") if device.type == "mps" else device
