"""SGM: scene graphs of images and sentences, matched object with object and relation with relation."""

from __future__ import annotations

import torch
from torch import nn

from scenograph.components import Sizes, nets
from scenograph.nn.matchers.inputs import ObjectInput, RegionInput, RegionPairs
from scenograph.nn.matchers.matcher import Encoded, Matcher, Said, Scores, Seen
from scenograph.nn.matchers.meeting import best_cosines


@nets("sgm.v1")
class SGM(Matcher):
    """The mean over objects said of the best region, plus the mean over relations said of the best pair.

    Regions are nodes of themselves; a relation's node takes both its ends, as the paper's graph convolution
    does. Objects said come from the sentence's words in order, relations from a recurrent net over subject,
    predicate, object. A sentence without relations counts its objects twice.
    Source: Wang et al. 2020, sections 3.2 to 3.4.
    """

    def __init__(self, sizes: Sizes, /, *, neighbours: int = 2, dropout: float = 0.2) -> None:
        super().__init__(sizes)
        size = sizes.dimension
        self.region = RegionInput(sizes.image, size, dropout=dropout, placed=False)
        self.region_step = nn.Linear(size, size)
        self.pairs = RegionPairs(size, neighbours=neighbours)
        self.pair_step = nn.Linear(size, size)
        self.object = ObjectInput(sizes.text, size, dropout=dropout)
        self.predicate = nn.Linear(sizes.text, size)
        self.triple = nn.GRU(size, size, batch_first=True, bidirectional=True)

    def see(self, seen: Seen) -> Encoded:
        regions = torch.tanh(self.region(seen.features, seen.boxes))
        pairs, told, _ = self.pairs(regions, seen.boxes, seen.present)
        return self.region_step(regions), seen.present, self.pair_step(torch.tanh(pairs)), told

    def read(self, said: Said) -> Encoded:
        objects = torch.tanh(self.object(said.heads, said.attributes))
        steps = torch.stack(
            [said.subjects @ objects, torch.tanh(self.predicate(said.predicates)), said.objects @ objects],
            dim=2,
        )
        sentences, relations = steps.shape[:2]
        _, last = self.triple(steps.flatten(0, 1))
        told = last.mean(dim=0).unflatten(0, (sentences, relations))
        return objects, said.has_object, told, said.has_relation

    def compare(self, images: Encoded, texts: Encoded) -> Scores:
        regions, present, pairs, paired = images
        objects, has_object, relations, has_relation = texts
        by_object = best_cosines(regions, present, objects, has_object, mean=True)
        by_relation = best_cosines(pairs, paired, relations, has_relation, mean=True)
        by_relation = torch.where(has_relation.any(dim=1), by_relation, by_object)
        return {"scores": by_object + by_relation, "objects": by_object, "relations": by_relation}
