"""Protobuf <-> domain, for the gateway's own messages."""

from __future__ import annotations

from scenograph.gateway.answers import Hit, Info, Outcome, Report, SearchPage, StagePage, Upload
from scenograph.gateway.requests import (
    Candidate,
    ExpressionSource,
    FusionWeights,
    GraphSource,
    ImageSource,
    IngestItem,
    Item,
    LevelWeights,
    QueryPart,
    RankingOptions,
    RankRequest,
    SearchRequest,
    Source,
    Stage,
    StoredSource,
    TextSource,
)
from scenograph.runtime import converters as shared
from scenograph.runtime.contracts import Modality, Record
from scenograph.runtime.status import item_status
from scenograph.scene.errors import InvalidInput
from scenograph.v1 import common_pb2
from scenograph.v1 import gateway_pb2 as pb


def image_from_pb(message: common_pb2.Image) -> ImageSource:
    return ImageSource(message.content, message.upload_id)


def item_from_pb(message: pb.Item) -> Item:
    return Item(
        id=message.id,
        image=image_from_pb(message.image) if message.HasField("image") else None,
        texts=tuple(message.texts),
        metadata=shared.metadata_from_pb(message.metadata),
        access_labels=tuple(sorted(set(message.access_labels))),
        blur_faces=message.blur_faces,
    )


def ingest_item_from_pb(message: pb.IngestRequest) -> IngestItem:
    return IngestItem(message.collection, item_from_pb(message.item), message.request_id)


def outcome_to_pb(outcome: Outcome) -> pb.IngestResponse:
    return pb.IngestResponse(
        item_id=outcome.item_id,
        request_id=outcome.request_id,
        status=item_status(outcome.error),
        replayed=outcome.replayed,
    )


def query_from_pb(message: pb.Query) -> tuple[QueryPart, ...]:
    return tuple(
        QueryPart(_source_from_pb(part, f"query.parts[{place}]"), part.weight)
        for place, part in enumerate(message.parts)
    )


def _source_from_pb(message: pb.QueryPart, field: str) -> Source | None:
    match message.WhichOneof("part"):
        case "text":
            return TextSource(message.text)
        case "image":
            return image_from_pb(message.image)
        case "graph":
            return GraphSource(shared.query_from_pb(message.graph, field=f"{field}.graph", units=False))
        case "graph_expression":
            return ExpressionSource(message.graph_expression)
        case "item_id":
            return StoredSource(message.item_id)
        case _:
            return None


def search_from_pb(message: pb.SearchRequest) -> SearchRequest:
    return SearchRequest(
        collection=message.collection,
        query=query_from_pb(message.query),
        filter=message.filter,
        page_size=message.page_size,
        page_token=message.page_token,
        returning=_modality_from_pb(message.returning),
        explain=message.explain,
        options=_options_from_pb(message.options),
    )


def rank_from_pb(message: pb.RankRequest) -> RankRequest:
    return RankRequest(
        query=query_from_pb(message.query),
        candidates=tuple(_candidate_from_pb(candidate) for candidate in message.candidates),
        explain=message.explain,
        weights=_weights_from_pb(message.weights) if message.HasField("weights") else None,
        level_weights=_levels_from_pb(message.level_weights) if message.HasField("level_weights") else None,
        match_weights=shared.match_weights_from_pb(message.match_weights)
        if message.HasField("match_weights")
        else None,
    )


def _candidate_from_pb(message: pb.RankCandidate) -> Candidate:
    match message.WhichOneof("candidate"):
        case "text":
            return Candidate(message.id, TextSource(message.text))
        case "image":
            return Candidate(message.id, image_from_pb(message.image))
        case _:
            return Candidate(message.id, None)


def _modality_from_pb(value: int) -> Modality:
    if value not in list(Modality):
        raise InvalidInput(f"{value} is no modality", field="returning")
    return Modality(value)


def _options_from_pb(message: pb.RankingOptions) -> RankingOptions:
    if int(message.last_stage) not in list(Stage):
        raise InvalidInput(f"{message.last_stage} is no stage", field="options.last_stage")
    return RankingOptions(
        last_stage=Stage(message.last_stage),
        coarse_candidates=message.coarse_candidates,
        graph_candidates=message.graph_candidates,
        weights=_weights_from_pb(message.weights) if message.HasField("weights") else None,
        bypass_cache=message.bypass_cache,
        level_weights=_levels_from_pb(message.level_weights) if message.HasField("level_weights") else None,
        match_weights=shared.match_weights_from_pb(message.match_weights)
        if message.HasField("match_weights")
        else None,
        exact=message.exact,
    )


def _weights_from_pb(message: pb.FusionWeights) -> FusionWeights:
    return FusionWeights(message.coarse, message.cosine, message.graph)


def _levels_from_pb(message: common_pb2.LevelWeights) -> LevelWeights:
    return LevelWeights(message.scene, message.object, message.relation, message.label)


def stored_item_to_pb(record: Record, *, graphs: bool) -> pb.StoredItem:
    images = [entry for entry in record.entries if entry.modality is Modality.IMAGE]
    texts = [entry for entry in record.entries if entry.modality is Modality.TEXT]
    message = pb.StoredItem(
        id=record.id,
        has_image=bool(images),
        texts=[entry.text for entry in texts],
        metadata=shared.metadata_to_pb(record.metadata),
        pack_version=record.pack_version,
        create_time=shared.time_to_pb(record.create_time),
        update_time=shared.time_to_pb(record.update_time),
        access_labels=record.access_labels,
    )
    for image in images:
        message.image_width, message.image_height = image.width, image.height
        if graphs and image.graph is not None:
            message.image_graph.CopyFrom(shared.graph_to_pb(image.graph, units=False))
    if graphs:
        message.text_graphs.extend(
            shared.graph_to_pb(entry.graph, units=False) for entry in texts if entry.graph is not None
        )
    return message


def hit_to_pb(hit: Hit) -> pb.Hit:
    return pb.Hit(
        item_id=hit.item_id,
        modality=common_pb2.Modality.ValueType(hit.modality),
        text_index=hit.ordinal,
        text=hit.text,
        score=hit.score,
        parts=pb.ScoreParts(
            coarse=hit.parts.coarse,
            cosine=hit.parts.cosine,
            graph=hit.parts.graph,
            stage=pb.Stage.ValueType(hit.parts.stage),
            levels=common_pb2.LevelScores(**hit.parts.levels) if hit.parts.levels else None,
        ),
        alignment=shared.alignment_to_pb(hit.alignment) if hit.alignment is not None else None,
        graph=shared.graph_to_pb(hit.graph, units=False) if hit.graph is not None else None,
        metadata=shared.metadata_to_pb(hit.metadata),
    )


def report_to_pb(report: Report) -> pb.SearchReport:
    return pb.SearchReport(
        timings=shared.timings_to_pb(report.timings),
        considered=report.considered,
        coarse_candidates=report.coarse_candidates,
        float_candidates=report.float_candidates,
        graph_candidates=report.graph_candidates,
        cache=pb.CacheStatus.ValueType(report.cache),
        degraded=report.degraded,
        degraded_reason=report.degraded_reason,
        pack_version=report.pack_version,
        collection_version=report.collection_version,
        query_graph=shared.graph_to_pb(report.query_graph, units=False)
        if report.query_graph is not None
        else None,
    )


def page_to_pb(page: SearchPage) -> pb.SearchResponse:
    return pb.SearchResponse(
        hits=[hit_to_pb(hit) for hit in page.hits],
        next_page_token=page.next_page_token,
        report=report_to_pb(page.report),
    )


def stage_page_to_pb(page: StagePage) -> pb.SearchStreamResponse:
    return pb.SearchStreamResponse(
        stage=pb.Stage.ValueType(page.stage), final=page.final, page=page_to_pb(page.page)
    )


def upload_to_pb(upload: Upload) -> pb.UploadImageResponse:
    return pb.UploadImageResponse(
        upload_id=upload.id, bytes=upload.bytes, expire_time=shared.time_to_pb(upload.expire_time)
    )


def info_to_pb(info: Info) -> pb.ServerInfoResponse:
    return pb.ServerInfoResponse(
        version=info.version,
        pack_name=info.pack_name,
        pack_version=info.pack_version,
        embedding_size=info.embedding_size,
        code_bits=info.code_bits,
        max_message_bytes=info.max_message_bytes,
        max_image_pixels=info.max_image_pixels,
        max_upload_bytes=info.max_upload_bytes,
        cache=info.cache,
        levels=info.levels,
    )
