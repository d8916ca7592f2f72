"""GraphMatcher: how alike each query node and edge is to each candidate node and edge, with fixed weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.utils import scatter


def calibrated(cosine: Tensor, low: float, high: float) -> Tensor:
    """Cosine of two vectors -> [0, 1]: `low` and less is unrelated, `high` and more the same thing."""
    return ((cosine - low) / (high - low)).clamp(0.0, 1.0)


class GraphMatcher(nn.Module):
    """Similarity of every query part with every candidate part; all candidates lie flat behind each other.

    Labels, attributes and predicates are compared by the vocabulary's prior where it knows the pair (not
    NaN), else by their text vectors. A relation agrees as far as its predicate and both its ends agree; a
    node's context is the mean, over its relations, of the best agreeing relation of the candidate node.
    All weights are constants (see `__init__`).

    Shapes (Q query, C candidate, N nodes, E edges, A attributes, D vector size):
      query_nodes (QN, D), candidate_nodes (CN, D), node_prior (QN, CN) in [0, 1] or NaN;
      query_attributes (QA, D), query_attribute_node (QA,) int64, candidate_attributes (CA, D),
      candidate_attribute_node (CA,) int64, attribute_prior (QA, CA); query_edges (QE, D), query_edge_index
      (2, QE) int64, candidate_edges (CE, D), candidate_edge_index (2, CE) int64, edge_prior (QE, CE) ->
      label (QN, CN), attribute (QA, CN), predicate (QE, CE), relation (QE, CE), context (QN, CN), all in
      [0, 1].
    QN and CN >= 1; the other sizes may be 0 (a node without relations has context 0).
    """

    def __init__(
        self,
        *,
        label_range: tuple[float, float] = (0.35, 0.85),
        attribute_range: tuple[float, float] = (0.45, 0.9),
        predicate_range: tuple[float, float] = (0.45, 0.9),
    ) -> None:
        super().__init__()
        self.label_range = label_range
        self.attribute_range = attribute_range
        self.predicate_range = predicate_range

    def forward(
        self,
        query_nodes: Tensor,
        candidate_nodes: Tensor,
        node_prior: Tensor,
        query_attributes: Tensor,
        candidate_attributes: Tensor,
        candidate_attribute_node: Tensor,
        attribute_prior: Tensor,
        query_edges: Tensor,
        query_edge_index: Tensor,
        candidate_edges: Tensor,
        candidate_edge_index: Tensor,
        edge_prior: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        label = self._similarity(query_nodes, candidate_nodes, node_prior, self.label_range)
        of_attributes = self._similarity(
            query_attributes, candidate_attributes, attribute_prior, self.attribute_range
        )
        attribute = scatter(
            of_attributes, candidate_attribute_node, dim=1, dim_size=candidate_nodes.size(0), reduce="max"
        )
        predicate = self._similarity(query_edges, candidate_edges, edge_prior, self.predicate_range)
        subjects = label[query_edge_index[0]][:, candidate_edge_index[0]]
        objects = label[query_edge_index[1]][:, candidate_edge_index[1]]
        relation = predicate * torch.sqrt(subjects * objects)
        context = self._context(relation, query_edge_index, candidate_edge_index, label)
        return label, attribute, predicate, relation, context

    @staticmethod
    def _similarity(query: Tensor, candidate: Tensor, prior: Tensor, limits: tuple[float, float]) -> Tensor:
        cosine = functional.normalize(query, dim=1) @ functional.normalize(candidate, dim=1).T
        return torch.where(torch.isnan(prior), calibrated(cosine, *limits), prior)

    @staticmethod
    def _context(
        relation: Tensor, query_edge_index: Tensor, candidate_edge_index: Tensor, label: Tensor
    ) -> Tensor:
        """Mean over a query node's relations of the candidate node's best agreeing relation."""
        total = torch.zeros_like(label)
        degree = torch.zeros_like(label[:, :1])
        for end in (0, 1):
            best = scatter(relation, candidate_edge_index[end], dim=1, dim_size=label.size(1), reduce="max")
            total = total + scatter(best, query_edge_index[end], dim=0, dim_size=label.size(0), reduce="sum")
            ones = torch.ones_like(query_edge_index[end], dtype=label.dtype).unsqueeze(1)
            degree = degree + scatter(
                ones, query_edge_index[end], dim=0, dim_size=label.size(0), reduce="sum"
            )
        return total / degree.clamp(min=1.0)
