"""From answer messages to results; pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from scenograph.client.arguments import JsonValue, ModalityName, StageName
from scenograph.client.errors import ScenographError, from_status
from scenograph.client.graphs import SceneGraph, read_box, read_graph
from scenograph.client.results import (
    Agreement,
    Collection,
    Description,
    Hit,
    IngestStatus,
    ItemPage,
    Match,
    Page,
    Report,
    ScoreParts,
    ServerInfo,
    StagePage,
    StoredItem,
)
from scenograph.v1 import common_pb2, gateway_pb2, index_pb2, textual_pb2, visual_pb2

_STAGES: dict[int, StageName] = {
    gateway_pb2.STAGE_COARSE: "coarse",
    gateway_pb2.STAGE_FLOAT: "float",
    gateway_pb2.STAGE_GRAPH: "graph",
}
_CACHE = {
    gateway_pb2.CACHE_STATUS_HIT: "hit",
    gateway_pb2.CACHE_STATUS_MISS: "miss",
    gateway_pb2.CACHE_STATUS_BYPASS: "bypass",
}


def _time(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)


def _json(message: Struct) -> dict[str, JsonValue]:
    return {key: _whole(value) for key, value in MessageToDict(message).items()}


def _whole(value: JsonValue) -> JsonValue:
    """JSON as it was written: the wire knows floats alone, so whole numbers are told as int."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list):
        return [_whole(part) for part in value]
    if isinstance(value, dict):
        return {key: _whole(part) for key, part in value.items()}
    return value


def _timings(messages: Iterable[common_pb2.StageTiming]) -> dict[str, float]:
    return {message.stage: message.milliseconds for message in messages}


def status_error(status: common_pb2.ItemStatus) -> ScenographError | None:
    """None where the status is OK."""
    return from_status(status.code, status.reason, status.message, status.field) if status.code else None


def collection(message: index_pb2.Collection) -> Collection:
    return Collection(
        name=message.name,
        pack_version=message.pack_version,
        bits=message.bits,
        items=message.items,
        entries=message.entries,
        version=message.version,
        create_time=_time(message.create_time),
    )


def ingest_status(message: gateway_pb2.IngestResponse) -> IngestStatus:
    return IngestStatus(message.item_id, message.request_id, message.replayed, status_error(message.status))


def stored_item(message: gateway_pb2.StoredItem) -> StoredItem:
    return StoredItem(
        id=message.id,
        has_image=message.has_image,
        texts=tuple(message.texts),
        metadata=_json(message.metadata),
        image_graph=read_graph(message.image_graph) if message.HasField("image_graph") else None,
        text_graphs=tuple(read_graph(graph) for graph in message.text_graphs),
        image_width=message.image_width,
        image_height=message.image_height,
        pack_version=message.pack_version,
        create_time=_time(message.create_time),
        update_time=_time(message.update_time),
        access_labels=tuple(message.access_labels),
    )


def item_page(message: gateway_pb2.ListItemsResponse) -> ItemPage:
    return ItemPage(tuple(stored_item(item) for item in message.items), message.next_page_token)


def _matches(alignment: common_pb2.Alignment) -> tuple[Match, ...]:
    objects = [
        Match(
            query=match.query_label,
            found=match.candidate_label,
            similarity=match.similarity,
            box=read_box(match.box) if match.HasField("box") else None,
            attributes=tuple(match.attributes_matched),
            missing_attributes=tuple(match.attributes_unmatched),
            query_index=match.query_node,
            found_index=match.candidate_node,
        )
        for match in alignment.node_matches
    ]
    relations = [
        Match(
            query=match.query_relation,
            found=match.candidate_relation,
            similarity=match.similarity,
            is_relation=True,
            query_index=match.query_edge,
            found_index=match.candidate_edge,
        )
        for match in alignment.edge_matches
    ]
    return (*objects, *relations)


def _agreement(alignment: common_pb2.Alignment) -> Agreement:
    return Agreement(
        alignment.score,
        alignment.objects,
        alignment.attributes,
        alignment.relations,
        alignment.symbolic,
        alignment.learned if alignment.HasField("learned") else None,
    )


def _levels(message: common_pb2.LevelScores) -> dict[str, float]:
    return {field.name: value for field, value in message.ListFields()}


def _hit(message: gateway_pb2.Hit) -> Hit:
    parts = message.parts
    modality: ModalityName = "text" if message.modality == common_pb2.MODALITY_TEXT else "image"
    alignment = message.alignment if message.HasField("alignment") else None
    return Hit(
        id=message.item_id,
        score=message.score,
        parts=ScoreParts(
            parts.coarse, parts.cosine, parts.graph, _STAGES.get(parts.stage), _levels(parts.levels)
        ),
        modality=modality,
        text=message.text,
        text_index=message.text_index,
        metadata=_json(message.metadata),
        matches=_matches(alignment) if alignment else (),
        unmatched=tuple(alignment.unmatched) if alignment else (),
        violations=tuple(alignment.violations) if alignment else (),
        satisfied=alignment.satisfied if alignment else None,
        agreement=_agreement(alignment) if alignment else None,
        graph=read_graph(message.graph) if message.HasField("graph") else None,
    )


def _report(message: gateway_pb2.SearchReport) -> Report:
    return Report(
        timings=_timings(message.timings),
        considered=message.considered,
        coarse_candidates=message.coarse_candidates,
        float_candidates=message.float_candidates,
        graph_candidates=message.graph_candidates,
        cache=_CACHE.get(message.cache, ""),
        degraded=message.degraded,
        degraded_reason=message.degraded_reason,
        pack_version=message.pack_version,
        collection_version=message.collection_version,
        query_graph=read_graph(message.query_graph) if message.HasField("query_graph") else None,
    )


def page(message: gateway_pb2.SearchResponse) -> Page:
    hits = tuple(_hit(hit) for hit in message.hits)
    return Page(hits, message.next_page_token, _report(message.report))


def stage_page(message: gateway_pb2.SearchStreamResponse) -> StagePage:
    return StagePage(_STAGES.get(message.stage), message.final, page(message.page))


def ranking(message: gateway_pb2.RankResponse) -> Page:
    return Page(tuple(_hit(hit) for hit in message.hits), "", _report(message.report))


def parsed(message: textual_pb2.ParseTextsResponse) -> list[SceneGraph]:
    """The graphs in order. Errors: that of the first sentence that failed."""
    for result in message.results:
        if error := status_error(result.status):
            raise error
    return [read_graph(result.graph) for result in message.results]


def description(message: visual_pb2.BuildVisualGraphResponse) -> Description:
    visual = message.visual
    return Description(
        graph=read_graph(visual.graph),
        width=visual.width,
        height=visual.height,
        pack_version=message.pack_version,
        timings=_timings(message.timings),
    )


def embeddings(messages: Iterable[common_pb2.Embedding]) -> list[tuple[float, ...]]:
    return [tuple(message.values) for message in messages]


def server_info(message: gateway_pb2.ServerInfoResponse) -> ServerInfo:
    return ServerInfo(
        version=message.version,
        pack_name=message.pack_name,
        pack_version=message.pack_version,
        embedding_size=message.embedding_size,
        code_bits=tuple(message.code_bits),
        max_message_bytes=message.max_message_bytes,
        max_image_pixels=message.max_image_pixels,
        max_upload_bytes=message.max_upload_bytes,
        cache=message.cache,
        levels=dict(message.levels),
    )
