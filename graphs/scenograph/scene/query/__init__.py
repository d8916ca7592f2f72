"""The graph query language: what must be there, what must not be, what may be, as one line of text.

    (d: dog {brown, not wet})-[on]->(sofa), (d)<-[next to]-(2 cat), not (ball), maybe (child)

- A node is a label in parentheses: `(dog)`, `(traffic light)`. Braces hold attributes; `not` before one
  negates it. A number in front is a count: `(2 dog)`. Odd labels are quoted: `("7 eleven")`, and inside the
  quotes a backslash escapes a quote or a backslash.
- A relation joins two nodes: `(dog)-[on]->(sofa)` or `(sofa)<-[on]-(dog)`. Chains go on:
  `(man)-[riding]->(horse)-[on]->(beach)`. `-[not on]->` negates the relation.
- `(d: dog)` names a node; a bare `(d)` anywhere in the query means that node again.
- Commas join parts. A plain part is required, `not` before a part forbids it, `maybe` makes it optional.
  `not ((a: cat)-[on]->(bed), (a)-[next to]->(dog))` forbids a pattern that is no single chain.
- A forbidden part is one pattern, existential on its own: `(d: dog), not (d)-[on]->(sofa)` forbids *any* such
  dog on a sofa, for `(d)` copies what was said of the dog (label, attributes, count). The optional parts copy
  likewise and are one graph together.
"""

from __future__ import annotations

from scenograph.scene.query.limits import MAX_COUNT, MAX_LABEL_CHARS, MAX_MENTIONS, MAX_QUERY_CHARS
from scenograph.scene.query.reading import parse_graph_query
from scenograph.scene.query.writing import format_graph_query
from scenograph.scene.structure import graph_query

__all__ = [
    "MAX_COUNT",
    "MAX_LABEL_CHARS",
    "MAX_MENTIONS",
    "MAX_QUERY_CHARS",
    "format_graph_query",
    "graph_query",
    "parse_graph_query",
]
