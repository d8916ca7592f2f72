"""GSMN: nodes of two graphs are matched by attention, then their matches flow along the edges."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from scenograph.components import Sizes, nets
from scenograph.nn.matchers.inputs import RegionInput, centres
from scenograph.nn.matchers.matcher import Encoded, Matcher, Said, Scores, Seen
from scenograph.nn.matchers.meeting import cross_attention, masked_mean, masked_softmax


@nets("gsmn.v1")
class GSMN(Matcher):
    """Each node is compared, block by block, with what it attends to in the other graph; a graph convolution
    of these matches over its own neighbours, then a perceptron, give its score; the means over both graphs'
    nodes are added.

    Regions are all neighbours, weighed by Gaussian kernels of where they lie to each other; objects said,
    attributes and relations are neighbours where the parsed graph joins them, weighed by how alike they are.
    Source: Liu et al. 2020, section 3, the sparse graph; kernels as Monti et al. 2017.
    """

    def __init__(
        self, sizes: Sizes, /, *, blocks: int = 8, kernels: int = 8, hidden: int = 32,
        sharpness: float = 10.0, dropout: float = 0.2,
    ) -> None:  # fmt: skip
        super().__init__(sizes)
        self.blocks, self.sharpness = blocks, sharpness
        self.region = RegionInput(sizes.image, sizes.dimension, dropout=dropout, placed=False)
        self.word = nn.Sequential(nn.Dropout(dropout), nn.Linear(sizes.text, sizes.dimension))
        self.kernels = PlaceKernels(kernels)
        self.visual_step = nn.Linear(blocks, hidden, bias=False)
        self.text_step = nn.Linear(blocks, hidden, bias=False)
        self.visual_score = _perceptron(hidden)
        self.text_score = _perceptron(hidden)

    def see(self, seen: Seen) -> Encoded:
        regions = normalize(self.region(seen.features, seen.boxes), dim=-1)
        return regions, seen.present, self.kernels(seen.boxes, seen.present)

    def read(self, said: Said) -> Encoded:
        described = said.has_object & (said.attributes.abs().sum(dim=-1) > 0)
        told = torch.cat([said.has_object, described, said.has_relation], dim=1)
        nodes = torch.cat([said.heads, said.attributes, said.predicates], dim=1)
        nodes = normalize(self.word(nodes), dim=-1)
        alike = masked_softmax(self.sharpness * nodes @ nodes.transpose(1, 2), told[:, None], dim=-1)
        weights = alike * joined(said)
        return nodes, told, weights / weights.sum(dim=-1, keepdim=True).clamp_min(1e-6)

    def compare(self, images: Encoded, texts: Encoded) -> Scores:
        regions, present, kernels = images
        nodes, told, edges = texts
        cosines = torch.einsum("iud,tnd->itun", regions, nodes)
        seen = cross_attention(cosines, told[:, None], self.sharpness) @ nodes
        said = (
            cross_attention(cosines.transpose(2, 3), present[:, None, None], self.sharpness)
            @ regions[:, None]
        )
        by_region = self._matches(regions[:, None], seen)
        by_node = self._matches(nodes[None], said)
        # A kernel has its own share of the hidden values, as the paper's output is its kernels' side by side.
        apart = self.visual_step(by_region).unflatten(-1, (kernels.shape[-1], -1))
        flowed = torch.einsum("iuvk,itvkh->itukh", kernels, apart).flatten(-2)
        visual = masked_mean(self.visual_score(flowed)[..., 0], present[:, None])
        textual = masked_mean(self.text_score(edges @ self.text_step(by_node))[..., 0], told[None])
        return {"scores": visual + textual, "regions": visual, "words": textual}

    def _matches(self, nodes: Tensor, attended: Tensor) -> Tensor:
        """The cosine of each block of the vectors.  Shapes: (..., d) both, broadcast -> (..., blocks)."""
        first, second = (
            normalize(one.reshape(*one.shape[:-1], self.blocks, -1), dim=-1, eps=1e-6)
            for one in (nodes, attended)
        )
        return (first * second).sum(dim=-1)


class PlaceKernels(nn.Module):
    """How much each region counts for each other, by kernels of the distance and direction between centres.

    Shapes: boxes (I, U, 4), present (I, U) -> (I, U, U, kernels), the sum over the neighbours is 1.
    """

    def __init__(self, kernels: int) -> None:
        super().__init__()
        self.distance = nn.Parameter(torch.rand(kernels))
        self.direction = nn.Parameter((2 * torch.rand(kernels) - 1) * math.pi)
        self.distance_width = nn.Parameter(0.1 + 0.9 * torch.rand(kernels))
        self.direction_width = nn.Parameter(0.1 + 0.9 * torch.rand(kernels))

    def forward(self, boxes: Tensor, present: Tensor) -> Tensor:
        middle = centres(boxes)
        x, y = (middle[:, :, None] - middle[:, None]).unbind(-1)
        far = torch.hypot(x, y)[..., None] - self.distance
        turn = (torch.atan2(y, x)[..., None] - self.direction).abs()
        turn = torch.minimum(turn, (2 * math.pi - turn).abs())
        log = -0.5 * ((far / self.distance_width) ** 2 + (turn / self.direction_width) ** 2)
        return masked_softmax(log, present[:, None, :, None], dim=2)


def joined(said: Said) -> Tensor:
    """Which of the objects, attributes and relations said are neighbours, themselves included, as 0 and 1.

    Shapes: -> (T, 2 N + E, 2 N + E).
    """
    sentences, objects = said.has_object.shape
    relations = said.has_relation.shape[1]
    own = torch.eye(objects, device=said.heads.device).expand(sentences, -1, -1)
    ends = (said.subjects + said.objects).clamp(max=1)
    nothing = own.new_zeros(sentences, relations, objects)
    itself = torch.eye(relations, device=own.device).expand(sentences, -1, -1)
    rows = [
        torch.cat([own, own, ends.transpose(1, 2)], dim=2),
        torch.cat([own, own, nothing.transpose(1, 2)], dim=2),
        torch.cat([ends, nothing, itself], dim=2),
    ]
    return torch.cat(rows, dim=1)


def _perceptron(hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1))
