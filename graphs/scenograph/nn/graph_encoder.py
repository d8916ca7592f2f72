"""GraphEncoder: from a scene graph's label vectors to one vector in the sentence space."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import MessagePassing
from torch_geometric.utils import scatter

from scenograph.nn.prompts import Encode, encode_mean, generic_sentences


class RelationMessages(MessagePassing):
    """One round of messages: every node gets the mean of (neighbour + predicate) over its edges, in their direction."""

    def __init__(self) -> None:
        super().__init__(aggr="mean", flow="source_to_target")

    def forward(self, nodes: Tensor, edge_index: Tensor, edges: Tensor) -> Tensor:
        received: Tensor = self.propagate(edge_index, x=nodes, edge_attr=edges, size=(nodes.size(0), nodes.size(0)))
        return received

    def message(self, x_j: Tensor, edge_attr: Tensor) -> Tensor:
        return x_j + edge_attr


class GraphEncoder(nn.Module):
    """Graphs -> vectors comparable with the text head's, with fixed weights.

    Each node adds `neighbour_weight` times what its relations bring, the weighted mean over a graph's nodes is centred like a
    sentence and normalised. A graph without weight (no node, or only zero weights) has the zero vector.
    Shapes: nodes (N, D) vectors of the labels with their attributes, edge_index (2, E) int64 subject and object, edges (E, D) predicate
    vectors, batch (N,) int64 ascending graph numbers, node_weight (N,) >= 0 -> (B, D) where B = last of batch + 1.
    N >= 1 (give a graph without nodes one node of weight 0); E may be 0.
    """

    def __init__(self, centre: Tensor, *, neighbour_weight: float = 0.25) -> None:
        super().__init__()
        self.messages = RelationMessages()
        self.neighbour_weight = neighbour_weight
        self.centre: Tensor
        self.register_buffer("centre", centre.clone())

    @classmethod
    def from_text(cls, encode: Encode) -> GraphEncoder:
        """Make the encoder from the text encoder: the same centre as the text head's."""
        return cls(encode_mean(encode, generic_sentences()))

    def forward(self, nodes: Tensor, edge_index: Tensor, edges: Tensor, batch: Tensor, node_weight: Tensor) -> Tensor:
        graphs = int(batch.max()) + 1
        told = nodes + self.neighbour_weight * self.messages(nodes, edge_index, edges)
        weight = node_weight.unsqueeze(1)
        total = scatter(weight, batch, dim=0, dim_size=graphs, reduce="sum")
        pooled = scatter(told * weight, batch, dim=0, dim_size=graphs, reduce="sum")
        centred = functional.normalize(functional.normalize(pooled, dim=1) - self.centre, dim=1)
        return torch.where(total > 0, centred, torch.zeros_like(centred))
