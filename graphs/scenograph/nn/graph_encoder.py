"""GraphEncoder: from a scene graph's label vectors to one vector in the sentence space."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch_geometric.nn import MessagePassing
from torch_geometric.utils import scatter

from scenograph.nn.text_bank import TextBank


class RelationMessages(MessagePassing):  # type: ignore[misc]  # the library is untyped
    """One round of messages: every object of relations gets the mean of (subject + predicate) over them."""

    def __init__(self) -> None:
        super().__init__(aggr="mean", flow="source_to_target")

    def forward(self, nodes: Tensor, edge_index: Tensor, edges: Tensor) -> Tensor:
        size = (nodes.size(0), nodes.size(0))
        received: Tensor = self.propagate(edge_index, x=nodes, edge_attr=edges, size=size)
        return received

    def message(self, x_j: Tensor, edge_attr: Tensor) -> Tensor:
        return x_j + edge_attr


class GraphEncoder(nn.Module):
    """Graphs -> vectors comparable with the text head's, with fixed weights.

    Each node adds `neighbour_weight` times what its relations bring; the weighted sum over a graph's nodes is
    brought to unit length, then centred and whitened as the text head does with a sentence.
    A graph without weight (only nodes of weight 0) has the zero vector.
    Shapes: nodes (N, D) vectors of the labels with their attributes, edge_index (2, E) int64 subject and
    object, edges (E, D) predicate vectors, batch (N,) int64 graph of each node, node_weight (N,) >= 0 ->
    (B, D), where B is the highest graph number + 1.  N >= 1 (give a graph without nodes one node of weight
    0); E may be 0.
    """

    def __init__(self, centre: Tensor, whitening: Tensor, *, neighbour_weight: float = 0.15) -> None:
        super().__init__()
        self.messages = RelationMessages()
        self.neighbour_weight = neighbour_weight
        self.centre: Tensor
        self.whitening: Tensor
        self.register_buffer("centre", centre.clone())
        self.register_buffer("whitening", whitening.clone())

    @classmethod
    def from_bank(cls, bank: TextBank) -> GraphEncoder:
        """The encoder with the centre of bare labels and the text head's whitening."""
        return cls(bank.graph_centre, bank.whitening)

    def forward(
        self, nodes: Tensor, edge_index: Tensor, edges: Tensor, batch: Tensor, node_weight: Tensor
    ) -> Tensor:
        graphs = batch.max().item() + 1  # not int(): the exporter could not follow it
        told = nodes + self.neighbour_weight * self.messages(nodes, edge_index, edges)
        weight = node_weight.unsqueeze(1)
        total = scatter(weight, batch, dim=0, dim_size=graphs, reduce="sum")
        pooled = scatter(told * weight, batch, dim=0, dim_size=graphs, reduce="sum")
        vectors = normalize((normalize(pooled, dim=1) - self.centre) @ self.whitening, dim=1)
        return torch.where(total > 0, vectors, torch.zeros_like(vectors))
