"""Protobuf <-> domain for the index service, both ways: the service's own side and that of who calls it over
gRPC.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp

from scenograph.runtime import converters as shared
from scenograph.runtime.contracts import (
    Collection,
    DeleteResult,
    Entry,
    IndexAnswer,
    IndexHit,
    IndexQuery,
    Level,
    Modality,
    Record,
    SearchIndex,
    SearchKind,
    Snapshot,
    Write,
    WriteResult,
)
from scenograph.runtime.status import error_from_item_status, item_status
from scenograph.scene.errors import InvalidInput
from scenograph.v1 import index_pb2 as pb


def time_from_pb(message: Timestamp) -> datetime:
    """Errors: InvalidInput where it is of no year from 1 to 9999."""
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(str(error)) from error


def modality_from_pb(number: int, *, field: str) -> Modality:
    """Raises InvalidInput for a number that is no modality."""
    try:
        return Modality(number)
    except ValueError:
        raise InvalidInput(f"{number} is no modality", field=field) from None


def collection_from_pb(message: pb.Collection) -> Collection:
    return Collection(
        message.name,
        message.pack_version,
        message.bits,
        message.items,
        message.entries,
        message.version,
        time_from_pb(message.create_time),
        search_index_from_pb(message.search_index),
    )


def search_index_from_pb(message: pb.SearchIndex) -> SearchIndex:
    """What an older server does not say is that every entry is looked at."""
    if not message.kind:
        return SearchIndex()
    return SearchIndex(
        SearchKind(message.kind), message.entries, message.lists, message.recall, message.recall_at
    )


def entry_to_pb(entry: Entry) -> pb.Entry:
    code = entry.code
    return pb.Entry(
        modality=int(entry.modality),  # type: ignore[arg-type]  # the enum's own numbers
        ordinal=entry.ordinal,
        text=entry.text,
        graph=None if entry.graph is None else shared.graph_to_pb(entry.graph),
        embedding=None if entry.embedding is None else shared.embedding_to_pb(entry.embedding),
        code=None if code is None else shared.code_to_pb(code, len(code) * 8),
        width=entry.width,
        height=entry.height,
    )


def entry_from_pb(message: pb.Entry, *, field: str = "entry") -> Entry:
    """Raises InvalidInput with the path of the field at fault."""
    return Entry(
        modality_from_pb(message.modality, field=f"{field}.modality"),
        message.ordinal,
        message.text,
        shared.graph_from_pb(message.graph, field=f"{field}.graph") if message.HasField("graph") else None,
        shared.embedding_from_pb(message.embedding) if message.HasField("embedding") else None,
        shared.code_from_pb(message.code, field=f"{field}.code") if message.HasField("code") else None,
        message.width,
        message.height,
    )


def record_to_pb(record: Record) -> pb.Record:
    return pb.Record(
        id=record.id,
        metadata=shared.metadata_to_pb(record.metadata),
        entries=[entry_to_pb(entry) for entry in record.entries],
        pack_version=record.pack_version,
        create_time=shared.time_to_pb(record.create_time),
        update_time=shared.time_to_pb(record.update_time),
        access_labels=record.access_labels,
    )


def record_from_pb(message: pb.Record, *, field: str = "record") -> Record:
    """Raises InvalidInput with the path of the field at fault."""
    return Record(
        message.id,
        tuple(entry_from_pb(entry, field=f"{field}.entries[{i}]") for i, entry in enumerate(message.entries)),
        message.pack_version,
        shared.metadata_from_pb(message.metadata),
        time_from_pb(message.create_time) if message.HasField("create_time") else None,
        time_from_pb(message.update_time) if message.HasField("update_time") else None,
        tuple(sorted(set(message.access_labels))),
    )


def write_to_pb(write: Write) -> pb.Write:
    return pb.Write(
        record=record_to_pb(write.record),
        request_id=write.request_id,
        content_digest=write.content_digest,
        original=write.original,
    )


def write_from_pb(message: pb.Write, *, field: str) -> Write:
    """Raises InvalidInput with the path of the field at fault."""
    record = record_from_pb(message.record, field=f"{field}.record")
    return Write(record, message.request_id, message.content_digest, message.original)


def write_result_to_pb(result: WriteResult) -> pb.UpsertResponse:
    return pb.UpsertResponse(
        statuses=[item_status(error) for error in result.errors],
        version=result.version,
        replayed=result.replayed,
    )


def write_result_from_pb(message: pb.UpsertResponse) -> WriteResult:
    errors = [error_from_item_status(status) for status in message.statuses]
    return WriteResult(errors, list(message.replayed), message.version)


def delete_result_to_pb(result: DeleteResult) -> pb.DeleteResponse:
    return pb.DeleteResponse(deleted=result.deleted, missing=result.missing, version=result.version)


def delete_result_from_pb(message: pb.DeleteResponse) -> DeleteResult:
    return DeleteResult(message.deleted, list(message.missing), message.version)


def query_to_pb(collection: str, query: IndexQuery) -> pb.IndexServiceSearchRequest:
    return pb.IndexServiceSearchRequest(
        collection=collection,
        code=shared.code_to_pb(query.code, query.bits),
        embedding=None if query.embedding is None else shared.embedding_to_pb(query.embedding),
        modality=int(query.modality),  # type: ignore[arg-type]  # the enum's own numbers
        filter=query.filter,
        coarse_candidates=query.coarse_candidates,
        with_graphs=query.with_graphs,
        pack_version=query.pack_version,
        levels=[
            pb.Level(
                start=level.start,
                stop=level.stop,
                bits=[pb.BitRange(start=start, stop=stop) for start, stop in level.bits],
                scale=level.scale,
            )
            for level in query.levels
        ],
        bit_weights=() if query.bit_weights is None else query.bit_weights.tolist(),
        exact=query.exact,
    )


def query_from_pb(message: pb.IndexServiceSearchRequest) -> IndexQuery:
    """Raises InvalidInput with the path of the field at fault."""
    return IndexQuery(
        shared.code_from_pb(message.code, field="code"),
        message.code.length,
        message.pack_version,
        shared.embedding_from_pb(message.embedding) if message.HasField("embedding") else None,
        modality_from_pb(message.modality, field="modality"),
        message.filter,
        message.coarse_candidates,
        message.with_graphs,
        tuple(
            Level(level.start, level.stop, tuple((bits.start, bits.stop) for bits in level.bits), level.scale)
            for level in message.levels
        ),
        np.array(message.bit_weights, dtype=np.float32) if message.bit_weights else None,
        message.exact,
    )


def answer_to_pb(answer: IndexAnswer) -> pb.IndexServiceSearchResponse:
    return pb.IndexServiceSearchResponse(
        hits=[
            pb.IndexHit(
                item_id=hit.item_id,
                modality=int(hit.modality),  # type: ignore[arg-type]  # the enum's own numbers
                ordinal=hit.ordinal,
                hamming=hit.hamming,
                cosine=hit.cosine,
                text=hit.text,
                graph=None if hit.graph is None else shared.graph_to_pb(hit.graph),
                distance=hit.distance,
                levels=hit.level_cosines,
            )
            for hit in answer.hits
        ],
        considered=answer.considered,
        version=answer.version,
        timings=shared.timings_to_pb(answer.timings),
        searched=shared.search_index_to_pb(answer.searched),
    )


def answer_from_pb(message: pb.IndexServiceSearchResponse) -> IndexAnswer:
    hits = [
        IndexHit(
            hit.item_id,
            Modality(hit.modality),
            hit.ordinal,
            hit.hamming,
            hit.cosine,
            hit.text,
            shared.graph_from_pb(hit.graph) if hit.HasField("graph") else None,
            hit.distance,
            tuple(hit.levels),
        )
        for hit in message.hits
    ]
    timings = shared.timings_from_pb(message.timings)
    searched = search_index_from_pb(message.searched)
    return IndexAnswer(hits, message.considered, message.version, timings, searched)


def snapshot_to_pb(snapshot: Snapshot) -> pb.Snapshot:
    return pb.Snapshot(
        name=snapshot.name,
        collection=snapshot.collection,
        items=snapshot.items,
        pack_version=snapshot.pack_version,
        create_time=shared.time_to_pb(snapshot.create_time),
        bytes=snapshot.bytes,
    )


def snapshot_from_pb(message: pb.Snapshot) -> Snapshot:
    return Snapshot(
        message.name,
        message.collection,
        message.items,
        message.pack_version,
        time_from_pb(message.create_time),
        message.bytes,
    )
