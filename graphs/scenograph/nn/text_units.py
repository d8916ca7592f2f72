"""TextUnits: vectors of a sentence's objects and relations, and of the whole, from the text encoder's tokens.

Objects take what relations say of them, by the end of the relation that they are: one step of a graph network
with role-typed messages (Schlichtkrull et al. 2018), so that the dog that chases differs from the chased one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

STATE = 384


class TextUnits(nn.Module):
    """Unit vectors of sentences and how much each counts.

    Shapes: tokens (B, T, 384), sentence (B, 384) of the text encoder; heads, attributes (B, N, T) and
    predicates (B, E, T), shares of each part's tokens; subjects, objects (B, E, N), 1 where object n is that
    end of relation e; has_object (B, N), has_relation (B, E), 0 for padding, -1 for what the sentence denies
    -> vectors (B, N + E + 1, d) of objects, relations, the sentence, unit length; weights (B, N + E + 1), 0
    for padding, negative for what is denied. Denied relations tell their ends nothing.
    """

    def __init__(
        self, *, width: int = 128, size: int = 128, hidden: int = 512, dropout: float = 0.15,
        state_dropout: float = 0.2,
    ) -> None:  # fmt: skip
        super().__init__()
        self.state_dropout = nn.Dropout(state_dropout)
        self.head = nn.Linear(STATE, width)
        self.attribute = nn.Linear(STATE, width, bias=False)
        self.predicate = nn.Linear(STATE, width)
        self.subject = nn.Linear(width, width, bias=False)
        self.object = nn.Linear(width, width, bias=False)
        self.to_subject = nn.Linear(width, width)
        self.to_object = nn.Linear(width, width)
        self.object_norm = nn.LayerNorm(width)
        self.relation_norm = nn.LayerNorm(width)
        self.context_norm = nn.LayerNorm(width)
        self.relation_step = _step(width, dropout)
        self.context_step = _step(width, dropout)
        self.object_out = nn.Linear(width, size)
        self.relation_out = nn.Linear(width, size)
        self.object_weight = nn.Linear(width, 1)
        self.relation_weight = nn.Linear(width, 1)
        self.sentence = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(STATE, hidden), nn.GELU(), nn.Dropout(0.2), nn.Linear(hidden, size)
        )
        self.log_local = nn.Parameter(torch.tensor(2.0))
        self.log_scene = nn.Parameter(torch.tensor(2.7))

    def forward(
        self, tokens: Tensor, sentence: Tensor, heads: Tensor, attributes: Tensor, predicates: Tensor,
        subjects: Tensor, objects: Tensor, has_object: Tensor, has_relation: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        return self.units(
            heads @ tokens, attributes @ tokens, predicates @ tokens, sentence, subjects, objects,
            has_object, has_relation,
        )  # fmt: skip

    def units(
        self, heads: Tensor, attributes: Tensor, predicates: Tensor, sentence: Tensor, subjects: Tensor,
        objects: Tensor, has_object: Tensor, has_relation: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """The same from the parts' mean states, (B, N, 384) and (B, E, 384)."""
        drop = self.state_dropout
        nodes = self.object_norm(self.head(drop(heads)) + self.attribute(drop(attributes)))
        ends = self.subject(subjects @ nodes) + self.object(objects @ nodes)
        edges = self.relation_norm(self.predicate(drop(predicates)) + ends)
        edges = edges + self.relation_step(edges)
        affirmed = has_relation.clamp_min(0)[..., None]
        starts, stops = (affirmed * subjects).transpose(1, 2), (affirmed * objects).transpose(1, 2)
        told = starts @ self.to_subject(edges) + stops @ self.to_object(edges)
        degree = (starts + stops).sum(dim=2).clamp_min(1)[..., None]
        nodes = self.context_norm(nodes + self.context_step(told / degree))
        vectors = torch.cat(
            [self.object_out(nodes), self.relation_out(edges), self.sentence(sentence)[:, None]], dim=1
        )
        local = torch.cat(
            [
                torch.sigmoid(self.object_weight(nodes)[..., 0]) * has_object,
                torch.sigmoid(self.relation_weight(edges)[..., 0]) * has_relation,
            ],
            dim=1,
        )
        whole = self.log_scene.exp().expand(local.shape[0], 1)
        weights = torch.cat([local * self.log_local.exp(), whole], dim=1)
        return functional.normalize(vectors, dim=-1), weights


def _step(width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.GELU(), nn.Dropout(dropout), nn.Linear(width, width))
