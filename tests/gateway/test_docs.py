"""What the guide to graph queries says of the language is so."""

from __future__ import annotations

import re

import pytest
from tests.support import ROOT

from scenograph.gateway.limits import MAX_QUERY_NODES
from scenograph.scene.errors import InvalidGraphQuery
from scenograph.scene.query import MAX_MENTIONS, MAX_QUERY_CHARS, parse_graph_query

GUIDE = (ROOT / "docs/guides/graph-queries.md").read_text(encoding="utf-8")
EXAMPLES = [line.split("`")[1] for line in GUIDE.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_parses(example: str) -> None:
    query = parse_graph_query(example)
    parts = (query.required, query.forbidden, query.optional)
    assert any(graph.nodes for graph in parts)


def test_the_table_has_examples_and_the_limits_are_told() -> None:
    assert len(EXAMPLES) > 12
    assert f"at most {MAX_QUERY_CHARS:,} characters and {MAX_QUERY_NODES} objects" in GUIDE
    assert f"mentioned at most {MAX_MENTIONS} times" in GUIDE


def test_the_position_of_the_mistake_is_as_shown() -> None:
    shown = re.search(r"^    (\(dog\)-\[on->.*)\n( +)\^ position (\d+)$", GUIDE, re.MULTILINE)
    assert shown is not None
    with pytest.raises(InvalidGraphQuery) as caught:
        parse_graph_query(shown[1])
    assert caught.value.position == int(shown[3]) == len(shown[2]) - 4
