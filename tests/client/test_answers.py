"""Messages become readable results."""

from __future__ import annotations

from google.protobuf.struct_pb2 import Struct

from scenograph.client import answers
from scenograph.client.graphs import Attribute, Node, SceneGraph
from scenograph.v1 import common_pb2, gateway_pb2


def _hit() -> gateway_pb2.Hit:
    metadata = Struct()
    metadata.update({"year": 2024, "tags": ["a", 1.5, {"deep": 3}], "none": None})
    box = common_pb2.Box(x0=0.1, y0=0.22, x1=0.48, y1=0.91)
    alignment = common_pb2.Alignment(score=0.5, unmatched=["sofa"], violations=["cat"], satisfied=True)
    alignment.node_matches.add(
        query_label="dog",
        candidate_label="golden retriever",
        similarity=0.93,
        box=box,
        attributes_matched=["brown"],
        attributes_unmatched=["wet"],
    )
    alignment.edge_matches.add(
        query_relation="dog on sofa", candidate_relation="dog above couch", similarity=0.7
    )
    parts = gateway_pb2.ScoreParts(coarse=0.8, cosine=0.4, graph=0.5, stage=gateway_pb2.STAGE_GRAPH)
    return gateway_pb2.Hit(
        item_id="a",
        modality=common_pb2.MODALITY_IMAGE,
        score=0.6,
        parts=parts,
        alignment=alignment,
        metadata=metadata,
        graph=common_pb2.SceneGraph(nodes=[common_pb2.Node(label="dog", box=box)]),
    )


def test_a_hit_with_its_explanation() -> None:
    report = gateway_pb2.SearchReport(
        timings=[common_pb2.StageTiming(stage="search", milliseconds=1.5)], cache=gateway_pb2.CACHE_STATUS_HIT
    )
    page = answers.page(gateway_pb2.SearchResponse(hits=[_hit()], next_page_token="t", report=report))
    (hit,) = page
    assert (hit.id, hit.modality, hit.parts.stage) == ("a", "image", "graph")
    assert str(hit.matches[0]) == "dog {brown} = golden retriever 0.93 at (0.10, 0.22, 0.48, 0.91), not wet"
    assert str(hit.matches[1]) == "dog on sofa = dog above couch 0.70" and hit.matches[1].is_relation
    assert (hit.unmatched, hit.violations, hit.satisfied) == (("sofa",), ("cat",), True)
    assert hit.metadata == {"year": 2024, "tags": ["a", 1.5, {"deep": 3}], "none": None}
    assert isinstance(hit.metadata["year"], int)
    assert hit.graph is not None and hit.graph.nodes[0].box is not None
    assert page.timings == {"search": 1.5} and page.report.cache == "hit" and page.next_page_token == "t"


def test_a_hit_without_explanation() -> None:
    (hit,) = answers.page(gateway_pb2.SearchResponse(hits=[gateway_pb2.Hit(item_id="a")])).hits
    assert hit.matches == () and hit.graph is None and hit.satisfied is None and hit.agreement is None


def test_graphs_read_as_text() -> None:
    red = Attribute("red")
    graph = SceneGraph(
        (Node("dogs", "dog", count=2), Node("sofa", attributes=(red,)), Node("hat", negated=True))
    )
    assert str(graph) == "(2 dog), (sofa {red}), not (hat)"


def test_statuses() -> None:
    response = gateway_pb2.IngestResponse(
        item_id="a",
        status=common_pb2.ItemStatus(code=3, reason="INVALID_IMAGE", message="not an image", field="image"),
    )
    status = answers.ingest_status(response)
    assert not status.ok and type(status.error).__name__ == "InvalidImage"
    assert answers.ingest_status(gateway_pb2.IngestResponse(item_id="a")).ok
