"""CGMN: graph networks inside each modality give one vector; nodes meet in the loss alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch_geometric.nn import DenseGCNConv

from scenograph.components import Sizes, nets
from scenograph.nn.matchers.inputs import RegionInput
from scenograph.nn.matchers.matcher import Encoded, Matcher, Said, Scores, Seen
from scenograph.nn.matchers.meeting import best_cosines


@nets("cgmn.v1")
class CGMN(Matcher):
    """The cosine of two vectors, so that images and sentences are encoded apart and kept; "nodes" are sums
    over words of the best region, which only the graph node matching loss reads, in training.

    Regions are a graph of their own, words too, joined by how alike they are; `layers` convolutions over
    regions, one over words.
    Source: Cheng et al. 2022, section 3: intra-relation reasoning, graph node matching.
    """

    def __init__(self, sizes: Sizes, /, *, layers: int = 2, dropout: float = 0.2) -> None:
        super().__init__(sizes)
        size = sizes.dimension
        self.region = RegionInput(sizes.image, size, dropout=dropout, placed=True)
        self.word = nn.Sequential(nn.Dropout(dropout), nn.Linear(sizes.text, size))
        self.region_steps = nn.ModuleList(Reasoning(size) for _ in range(layers))
        self.word_step = Reasoning(size)
        self.region_pool, self.word_pool = Pool(size), Pool(size)

    def see(self, seen: Seen) -> Encoded:
        regions = self.region(seen.features, seen.boxes)
        for step in self.region_steps:
            regions = step(regions, seen.present)
        return self.region_pool(regions, seen.present), regions, seen.present

    def read(self, said: Said) -> Encoded:
        words = self.word_step(self.word(said.words), said.has_word)
        return self.word_pool(words, said.has_word), words, said.has_word

    def compare(self, images: Encoded, texts: Encoded) -> Scores:
        image, text = images[0], texts[0]
        if not self.training:
            return {"scores": image @ text.T}
        return {"scores": image @ text.T, "nodes": best_cosines(*images[1:], *texts[1:], mean=False)}


class Reasoning(nn.Module):
    """A graph convolution whose edges are learned likeness, added to what the nodes were.

    Shapes: nodes (B, N, d), present (B, N) -> (B, N, d).  Source: Li et al. 2019 (VSRN), eq. 2 and 3.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.query = nn.Linear(size, size)
        self.key = nn.Linear(size, size)
        self.convolution = DenseGCNConv(size, size)
        self.out = nn.Linear(size, size)

    def forward(self, nodes: Tensor, present: Tensor) -> Tensor:
        likeness = self.query(nodes) @ self.key(nodes).transpose(1, 2) * nodes.shape[-1] ** -0.5
        edges = torch.sigmoid(likeness) * present[:, None] * present[:, :, None]
        found: Tensor = nodes + self.out(torch.relu(self.convolution(nodes, edges)))
        return found


class Pool(nn.Module):
    """One vector of unit length from a set's mean and maximum.  Shapes: (B, N, d), (B, N) -> (B, d)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.out = nn.Linear(2 * size, size)

    def forward(self, nodes: Tensor, present: Tensor) -> Tensor:
        there = present[..., None]
        mean = (nodes * there).sum(dim=1) / there.sum(dim=1).clamp_min(1)
        most = nodes.masked_fill(~there, -1e4).amax(dim=1)
        return normalize(self.out(torch.cat([mean, most], dim=-1)), dim=-1)
