"""Lays one graph on another: which node meets which, by an optimal assignment, and how well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from scenograph.scene.matching_parts import Parts

FloatArray = NDArray[np.float32]
Pairs = list[tuple[int, int]]
NOBODY = -1
WORN = frozenset(("wearing", "having", "having on", "with", "dressed in", "dressed as"))
"""Relations to what is part of a thing's looks, or on it: its colours are seen where the thing is."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Similarities in [0, 1] of the parts of descriptions (N, A, E) with those of evidence (M, F).

    label (N, M); attribute (A, M): with the best attribute of the node; predicate (E, F); context (N, M):
    how far a node's relations agree with those of the other node.  Denied parts of the evidence have
    attribute and predicate 0.
    """

    label: FloatArray
    attribute: FloatArray
    predicate: FloatArray
    context: FloatArray


@dataclass(frozen=True, slots=True)
class LayWeights:
    """How evidence counts; chosen on captioned photos by recall.

    `sure`: the part of a node's credit that does not depend on the evidence's certainty; `tag`,
    `tag_power`: the credit of a whole-image label (which says nothing of where) is tag * score **
    tag_power; `shared`: the credit of a node that another part of the description has taken ("a man and a
    woman" against one person); `least`: less credit is none; `attribute`, `context`: how much they sway the
    assignment.
    """

    sure: float = 0.5
    tag: float = 1.0
    tag_power: float = 0.5
    shared: float = 0.6
    least: float = 0.2
    attribute: float = 0.5
    context: float = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """What each part of a description met, and how well (credit in [0, 1]).

    node (n): a node of the evidence graph; from its node count on: a tag of it; NOBODY. attribute_credit (a).
    edge (e): position among the evidence graph's laid edges, or NOBODY.
    """

    node: list[int]
    node_credit: list[float]
    attribute_credit: list[float]
    edge: list[int]
    edge_credit: list[float]


class Layer:
    """Lays graphs of `description` on those of `evidence`; what does not depend on the pair is done once."""

    def __init__(self, description: Parts, evidence: Parts, compared: Compared, weights: LayWeights) -> None:
        self._description = description
        self._evidence = evidence
        self._compared = compared
        self._weights = weights
        self._credit = compared.label * self._certainty()
        self._credit[self._credit < weights.least] = 0.0
        sway = 1.0 + weights.context * compared.context
        owners = description.attribute_node
        if len(owners):
            total = np.zeros_like(self._credit)
            np.add.at(total, owners, compared.attribute)
            count = np.bincount(owners, minlength=len(self._credit)).clip(min=1)[:, None]
            sway = sway + weights.attribute * total / count
        self._utility = self._credit * sway
        self._described: dict[int, Pairs] = {}
        self._shown: dict[int, Pairs] = {}

    def lay(self, description: int, evidence: int) -> Laid:
        """Lay graph number `description` on graph number `evidence`."""
        ours, theirs = self._description, self._evidence
        rows = slice(ours.nodes_at[description], ours.nodes_at[description + 1])
        first, tags, last = theirs.nodes_at[evidence], theirs.tags_at[evidence], theirs.nodes_at[evidence + 1]
        credit = self._credit[rows, first:last]
        count = credit.shape[0]
        partner = [NOBODY] * count
        support = [0.0] * count
        worn = self._worn(self._described, ours, description)
        if tags > first and count:
            utility = self._with_looks(worn, description, rows, slice(first, tags))
            mine, yours = linear_sum_assignment(utility, maximize=True)
            for row, column in zip(mine.tolist(), yours.tolist(), strict=True):
                value = float(credit[row, column])
                if value > 0:
                    partner[row], support[row] = column, value
        if last > first and count:
            self._fall_back(credit, tags - first, partner, support)
        return Laid(
            partner,
            support,
            self._attributes(description, evidence, worn, partner),
            *self._edges(description, evidence, partner, support, tags - first),
        )

    def _certainty(self) -> FloatArray:
        """What a perfect match with each node or tag of the evidence is worth.  Shape: (M,)."""
        theirs, weights = self._evidence, self._weights
        worth = np.where(
            theirs.node_score > 0, weights.sure + (1 - weights.sure) * theirs.node_score, 0.0
        ).astype(np.float32)
        for tags, last in zip(theirs.tags_at, theirs.nodes_at[1:], strict=True):
            worth[tags:last] = weights.tag * theirs.node_score[tags:last] ** weights.tag_power
        return worth

    def _fall_back(self, credit: FloatArray, nodes: int, partner: list[int], support: list[float]) -> None:
        """Let a node also be met by a tag, or by a node that is taken; who met a node of its own keeps it."""
        worth = credit.copy()
        worth[:, :nodes] *= self._weights.shared
        best = worth.argmax(axis=1).tolist()
        for row, column in enumerate(best):
            value = float(worth[row, column])
            if value > support[row]:
                support[row] = value
                if partner[row] == NOBODY:
                    partner[row] = column

    def _worn(self, kept: dict[int, Pairs], parts: Parts, graph: int) -> Pairs:
        """Who wears or has what in a graph: nodes, from 0."""
        if graph not in kept:
            begin, end = parts.edges_at[graph], parts.edges_at[graph + 1]
            row, ends = parts.nodes_at[graph], parts.edge_ends
            kept[graph] = [
                (int(ends[0, edge]) - row, int(ends[1, edge]) - row)
                for edge in range(begin, end)
                if parts.predicates[edge] in WORN
            ]
        return kept[graph]

    def _owners(self, description: int) -> Pairs:
        """The attributes of a description, through all graphs, and the nodes that they are of, from 0."""
        ours = self._description
        start, stop = ours.attributes_at[description], ours.attributes_at[description + 1]
        row = ours.nodes_at[description]
        return [(place, int(ours.attribute_node[place]) - row) for place in range(start, stop)]

    def _with_looks(self, worn: Pairs, description: int, rows: slice, columns: slice) -> FloatArray:
        """The utility, where attributes of what was not seen itself sway whom its wearer meets.

        So of two people the one in red is "the man in a red shirt", though no shirt was seen.
        """
        utility = self._utility[rows, columns]
        if not worn:
            return utility
        credit = self._credit[rows, columns]
        hidden = [(place, owner) for place, owner in self._owners(description) if not credit[owner].any()]
        swayed = [(wearer, place) for place, owner in hidden for wearer, thing in worn if thing == owner]
        if swayed:
            utility = utility.copy()
            for wearer, place in swayed:
                share = self._weights.attribute / sum(other == wearer for other, _ in swayed)
                utility[wearer] += share * credit[wearer] * self._compared.attribute[place, columns]
        return utility

    def _attributes(self, description: int, evidence: int, worn: Pairs, partner: list[int]) -> list[float]:
        """Credit of each attribute.

        One of a thing that was not seen is looked for on who wears or has it: "a man in a red shirt" is met
        by a man in whose box there is red. One of a thing that somebody else has is looked for on the like
        things of who should have it.
        """
        theirs, met = self._evidence, self._compared.attribute
        column, nodes = theirs.nodes_at[evidence], theirs.tags_at[evidence] - theirs.nodes_at[evidence]
        row = self._description.nodes_at[description]
        shown = self._worn(self._shown, theirs, evidence) if worn else []
        credit = []
        for place, owner in self._owners(description):
            found = partner[owner]
            wearers = [partner[who] for who, thing in worn if thing == owner and 0 <= partner[who] < nodes]
            seen = [found]
            if not 0 <= found < nodes:  # nowhere, or by a label of the whole image
                seen = wearers
            elif wearers and _elsewhere(found, wearers, shown):
                alike = self._credit[row + owner, column : column + nodes] > 0
                seen = [thing for who, thing in shown if who in wearers and alike[thing]] or wearers
            credit.append(max((float(met[place, column + who]) for who in seen), default=0.0))
        return credit

    def _edges(
        self, description: int, evidence: int, partner: list[int], support: list[float], nodes: int
    ) -> tuple[list[int], list[float]]:
        ours, theirs = self._description, self._evidence
        start, stop = ours.edges_at[description], ours.edges_at[description + 1]
        begin, end = theirs.edges_at[evidence], theirs.edges_at[evidence + 1]
        chosen = [NOBODY] * (stop - start)
        credit = [0.0] * (stop - start)
        if start == stop or begin == end:
            return chosen, credit
        row, column = ours.nodes_at[description], theirs.nodes_at[evidence]
        between: dict[tuple[int, int], list[int]] = {}
        for position, pair in enumerate((theirs.edge_ends[:, begin:end] - column).T.tolist()):
            between.setdefault((pair[0], pair[1]), []).append(position)
        for place, (subject, object_) in enumerate((ours.edge_ends[:, start:stop] - row).T.tolist()):
            for position in between.get((partner[subject], partner[object_]), ()):
                alike = float(self._compared.predicate[start + place, begin + position])
                value = alike * (support[subject] * support[object_]) ** 0.5
                if value > credit[place]:
                    chosen[place], credit[place] = position, value
        return chosen, credit


def _elsewhere(found: int, wearers: Sequence[int], shown: Pairs) -> bool:
    """Whether a thing is known to be on somebody else."""
    holders = {who for who, thing in shown if thing == found}
    return bool(holders) and holders.isdisjoint(wearers)
