"""A search index that looks at a part of the codes: those in the lists whose centres are nearest to the
query.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scenograph.index.hamming import distances
from scenograph.runtime.contracts import CodeArray


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """The first `rows` rows of a table, each in the list of the centre nearest to its code (an inverted
    file).

    Shapes: centres (L, bits / 8), starts (L + 1,), order (rows living when it was made,): the rows, list by
    list. `probes` says how many lists a search for the nearest `keep` looks through, for rising numbers of
    `keep`; `recall` is the share of the nearest that it then finds, measured at `measured` kept.
    """

    rows: int
    centres: CodeArray
    starts: NDArray[np.int64]
    order: NDArray[np.int32]
    codes: CodeArray
    """The codes of the rows in that order, so that a list's lie side by side."""
    probes: tuple[tuple[int, int], ...]
    recall: float
    measured: int
    trained: int
    """How many rows there were when the centres were chosen."""

    def probes_for(self, keep: float) -> int | None:
        """How many lists to look through for the nearest `keep`; None: more than was measured."""
        return next((lists for least, lists in self.probes if least >= keep), None)

    def near(self, code: CodeArray, probes: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The rows in the lists whose centres are nearest, and their distances.  Shapes: code (b,) -> (n,),
        (n,).
        """
        away = distances(code, self.centres)
        chosen = np.argpartition(away, probes - 1)[:probes] if probes < len(away) else np.arange(len(away))
        spans = [slice(self.starts[each], self.starts[each + 1]) for each in chosen.tolist()]
        rows = np.concatenate([self.order[span] for span in spans]).astype(np.int64)
        return rows, np.concatenate([distances(code, self.codes[span]) for span in spans])

    def without(self, gone: NDArray[np.bool_]) -> Lists:
        """The same over the table that is left when some rows are taken out.  Shapes: gone (rows,)."""
        numbers = np.cumsum(~gone) - 1
        kept = ~gone[self.order]
        before = np.append(0, np.cumsum(kept))
        return replace(
            self,
            rows=int(numbers[-1]) + 1,
            starts=before[self.starts],
            order=numbers[self.order[kept]].astype(np.int32),
            codes=self.codes[kept],
        )
