"""SGSIN: semantic inference over both scene graphs, at the level of objects and of relations."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import DenseGCNConv

from scenograph.components import Sizes, nets
from scenograph.nn.matchers.inputs import ObjectInput, RegionInput, RegionPairs
from scenograph.nn.matchers.matcher import Encoded, Matcher, Said, Scores, Seen
from scenograph.nn.matchers.meeting import attended_cosines, masked_softmax


@nets("sgsin.v1")
class SGSIN(Matcher):
    """Two matching modules, each with a graph convolution of both sides, attention from text to image, and a
    learned weight a textual node; a learned share mixes the two levels.

    At the level of objects, neighbours are in a relation; at that of relations, they share an object. A
    sentence without relations counts its objects at both levels.
    Source: Pei et al. 2023, from its abstract: the two modules with scene graphs of their own.
    """

    def __init__(
        self, sizes: Sizes, /, *, neighbours: int = 2, sharpness: float = 10.0, dropout: float = 0.2
    ) -> None:
        super().__init__(sizes)
        size = sizes.dimension
        self.sharpness = sharpness
        self.region = RegionInput(sizes.image, size, dropout=dropout, placed=True)
        self.pairs = RegionPairs(size, neighbours=neighbours)
        self.object = ObjectInput(sizes.text, size, dropout=dropout)
        self.predicate = nn.Linear(sizes.text, size)
        self.subject_end = nn.Linear(size, size, bias=False)
        self.object_end = nn.Linear(size, size, bias=False)
        self.region_step, self.pair_step = Inference(size), Inference(size)
        self.object_step, self.relation_step = Inference(size), Inference(size)
        self.object_weight, self.relation_weight = nn.Linear(size, 1), nn.Linear(size, 1)
        self.share = nn.Parameter(torch.tensor(0.0))

    def see(self, seen: Seen) -> Encoded:
        regions = self.region(seen.features, seen.boxes)
        pairs, told, ends = self.pairs(regions, seen.boxes, seen.present)
        units = regions.shape[1]
        ends = nn.functional.one_hot(ends, units).sum(dim=2).to(regions.dtype) * told[..., None]
        near, shared = neighbours_of(ends)
        return (
            self.region_step(regions, near, seen.present), seen.present,
            self.pair_step(pairs, shared, told), told,
        )  # fmt: skip

    def read(self, said: Said) -> Encoded:
        objects = self.object(said.heads, said.attributes)
        relations = (
            self.predicate(said.predicates)
            + self.subject_end(said.subjects @ objects)
            + self.object_end(said.objects @ objects)
        )
        near, shared = neighbours_of((said.subjects + said.objects).clamp(max=1))
        objects = self.object_step(objects, near, said.has_object)
        relations = self.relation_step(relations, shared, said.has_relation)
        return (
            objects, masked_softmax(self.object_weight(objects)[..., 0], said.has_object, dim=-1),
            relations, masked_softmax(self.relation_weight(relations)[..., 0], said.has_relation, dim=-1),
        )  # fmt: skip

    def compare(self, images: Encoded, texts: Encoded) -> Scores:
        regions, present, pairs, paired = images
        objects, object_weight, relations, relation_weight = texts
        by_object = attended_cosines(regions, present, objects, self.sharpness)
        by_object = (by_object * object_weight).sum(dim=-1)
        by_relation = attended_cosines(pairs, paired, relations, self.sharpness)
        by_relation = (by_relation * relation_weight).sum(dim=-1)
        by_relation = torch.where(relation_weight.sum(dim=-1) > 0, by_relation, by_object)
        share = torch.sigmoid(self.share)
        return {
            "scores": share * by_object + (1 - share) * by_relation,
            "objects": by_object,
            "relations": by_relation,
        }


class Inference(nn.Module):
    """One graph convolution, added to what the nodes were (Kipf and Welling 2017).

    Shapes: nodes (B, N, d), near (B, N, N) of 0 and 1, present (B, N) -> (B, N, d).
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.convolution = DenseGCNConv(size, size)
        self.out = nn.Linear(size, size)

    def forward(self, nodes: Tensor, near: Tensor, present: Tensor) -> Tensor:
        known = near * present[:, None] * present[:, :, None]
        heard = torch.relu(self.convolution(nodes, known))
        found: Tensor = nodes + self.out(heard)
        return found


def neighbours_of(ends: Tensor) -> tuple[Tensor, Tensor]:
    """Objects in a relation with each other, and relations that share an object, as 0 and 1.

    Shapes: ends (B, E, N), above 0 where object n is an end of relation e -> (B, N, N), (B, E, E).
    """
    return (ends.transpose(1, 2) @ ends).clamp(max=1), (ends @ ends.transpose(1, 2)).clamp(max=1)
