"""What can go wrong, as exceptions: one class for each reason that a server gives.

Names and reasons are those of the servers; an unknown reason falls to the class of its gRPC code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of the request and what is wrong with it."""

    field: str
    description: str


class ScenographError(Exception):
    """Root of the tree.

    `reason` is a stable name ("COLLECTION_NOT_FOUND"), `code` the gRPC code, `fields` the fields at fault,
    `position` the 0-based code point at which a graph query or filter went wrong, `retry_after` the
    seconds to wait where the server said so, `metadata` what else it told.
    """

    reason: str = "UNKNOWN"

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        reason: str = "",
        fields: tuple[FieldViolation, ...] = (),
        retry_after: float | None = None,
        metadata: dict[str, str] | None = None,
    ) -> None:
        super().__init__(_with_field(message, fields))
        self.message = message
        self.code = code
        self.reason = reason or type(self).reason
        self.fields = fields
        self.retry_after = retry_after
        self.metadata = metadata or {}

    @property
    def position(self) -> int | None:
        """Where in a graph query or filter the error is."""
        position = self.metadata.get("position", "")
        return int(position) if position.isdecimal() else None


def _with_field(message: str, fields: tuple[FieldViolation, ...]) -> str:
    """The message, led by the field at fault where it does not name it."""
    field = fields[0].field if fields else ""
    return f"{field}: {message}" if field and field.rpartition(".")[2] not in message else message


class InvalidInput(ScenographError):
    """A request that is wrong in itself."""

    reason = "INVALID_INPUT"


class InvalidImage(InvalidInput):
    """Not a whole JPEG, PNG or WebP picture."""

    reason = "INVALID_IMAGE"


class ImageTooLarge(InvalidInput):
    """More pixels or bytes than the server takes."""

    reason = "IMAGE_TOO_LARGE"


class InvalidText(InvalidInput):
    """A text that is empty or too long."""

    reason = "INVALID_TEXT"


class InvalidGraphQuery(InvalidInput):
    """A graph query that does not parse; see `position`."""

    reason = "INVALID_GRAPH_QUERY"


class InvalidFilter(InvalidInput):
    """A filter that does not parse; see `position`."""

    reason = "INVALID_FILTER"


class InvalidPageToken(InvalidInput):
    """A page token of another request, or none at all."""

    reason = "INVALID_PAGE_TOKEN"


class DuplicateItem(InvalidInput):
    """The same id twice in one batch."""

    reason = "DUPLICATE_ITEM"


class NotFound(ScenographError):
    """Something named does not exist."""

    reason = "NOT_FOUND"


class CollectionNotFound(NotFound):
    """No collection of that name."""

    reason = "COLLECTION_NOT_FOUND"


class ItemNotFound(NotFound):
    """No item of that id."""

    reason = "ITEM_NOT_FOUND"


class UploadNotFound(NotFound):
    """An upload that was used up or has expired."""

    reason = "UPLOAD_NOT_FOUND"


class SnapshotNotFound(NotFound):
    """No snapshot of that name."""

    reason = "SNAPSHOT_NOT_FOUND"


class PackNotFound(NotFound):
    """No model pack of that name and version."""

    reason = "PACK_NOT_FOUND"


class ReencodingNotFound(NotFound):
    """The collection has had no re-encoding."""

    reason = "REENCODING_NOT_FOUND"


class AlreadyExists(ScenographError):
    """Something of that name exists already."""

    reason = "ALREADY_EXISTS"


class CollectionExists(AlreadyExists):
    """A collection of that name exists already."""

    reason = "COLLECTION_EXISTS"


class FailedPrecondition(ScenographError):
    """The server's state refuses the request."""

    reason = "FAILED_PRECONDITION"


class PackMismatch(FailedPrecondition):
    """The collection was made with another version of the model pack."""

    reason = "PACK_MISMATCH"


class PackNotLoaded(FailedPrecondition):
    """The pack is not in the server's memory: load it first."""

    reason = "PACK_NOT_LOADED"


class PackInUse(FailedPrecondition):
    """The pack is the default, or a collection or a re-encoding needs it."""

    reason = "PACK_IN_USE"


class ImagesNotKept(FailedPrecondition):
    """The collection cannot be re-encoded: the files of some of its images were not kept."""

    reason = "IMAGES_NOT_KEPT"


class PageTokenExpired(FailedPrecondition):
    """The ranking that the token continues is no longer kept: search again."""

    reason = "PAGE_TOKEN_EXPIRED"


class RequestIdReused(FailedPrecondition):
    """The request id was used with other content."""

    reason = "REQUEST_ID_REUSED"


class IndexFormatTooNew(FailedPrecondition):
    """The index folder was written by a newer version."""

    reason = "INDEX_FORMAT_TOO_NEW"


class PackCorrupt(FailedPrecondition):
    """A pack's file is missing or changed."""

    reason = "PACK_CORRUPT"


class NoFaceDetector(FailedPrecondition):
    """The server has nothing that finds faces, so it stores no image whose faces are to be blurred."""

    reason = "NO_FACE_DETECTOR"


class WrongKey(FailedPrecondition):
    """Data is encrypted, and the server was not given the key that it needs."""

    reason = "WRONG_KEY"


class Unauthenticated(ScenographError):
    """No credentials, or such as the server does not know, expired or forged."""

    reason = "UNAUTHENTICATED"


class PermissionDenied(ScenographError):
    """The server knows the caller, who may not do this."""

    reason = "PERMISSION_DENIED"


class ResourceExhausted(ScenographError):
    """A limit was reached; `retry_after` says when to try again, where the server knows."""

    reason = "RESOURCE_EXHAUSTED"


class DiskFull(ResourceExhausted):
    """The server has no space left; nothing of the request was stored."""

    reason = "DISK_FULL"


class QueueFull(ResourceExhausted):
    """The server is busy; see `retry_after`."""

    reason = "QUEUE_FULL"


class QuotaExceeded(ResourceExhausted):
    """The caller has used up what it may: calls in a time, or calls at the same time."""

    reason = "QUOTA_EXCEEDED"


class DeadlineExceeded(ScenographError):
    """The time ran out."""

    reason = "DEADLINE_EXCEEDED"


class Unavailable(ScenographError):
    """The server, or a service that it needs, cannot be reached or is not ready."""

    reason = "UNAVAILABLE"


class DataLoss(ScenographError):
    """Stored data is damaged."""

    reason = "DATA_LOSS"


class IndexCorrupt(DataLoss):
    """The index's file is damaged."""

    reason = "INDEX_CORRUPT"


class ServiceMissing(ScenographError):
    """The server at this address does not offer the service that the method needs."""

    reason = "SERVICE_MISSING"


class Internal(ScenographError):
    """A fault of the server; its log has the detail."""

    reason = "INTERNAL"


class _Tables:
    by_reason: ClassVar[dict[str, type[ScenographError]]] = {}
    by_code: ClassVar[dict[grpc.StatusCode, type[ScenographError]]] = {
        grpc.StatusCode.INVALID_ARGUMENT: InvalidInput,
        grpc.StatusCode.OUT_OF_RANGE: InvalidInput,
        grpc.StatusCode.NOT_FOUND: NotFound,
        grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
        grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
        grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
        grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
        grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
        grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
        grpc.StatusCode.UNAVAILABLE: Unavailable,
        grpc.StatusCode.DATA_LOSS: DataLoss,
        grpc.StatusCode.UNIMPLEMENTED: ServiceMissing,
        grpc.StatusCode.INTERNAL: Internal,
    }
    by_number: ClassVar[dict[int, grpc.StatusCode]] = {code.value[0]: code for code in grpc.StatusCode}


def _walk(kind: type[ScenographError]) -> Iterator[type[ScenographError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _walk(child)


_Tables.by_reason.update({kind.reason: kind for kind in _walk(ScenographError)})


def error_class(reason: str, code: grpc.StatusCode) -> type[ScenographError]:
    """The class of a reason; where that is unknown, of a code."""
    return _Tables.by_reason.get(reason) or _Tables.by_code.get(code, ScenographError)


def from_status(number: int, reason: str, message: str, field: str = "") -> ScenographError:
    """The error of one part of a batch."""
    code = _Tables.by_number.get(number, grpc.StatusCode.UNKNOWN)
    fields = (FieldViolation(field, message),) if field else ()
    return error_class(reason, code)(message, code=code, reason=reason, fields=fields)


def from_rpc(
    code: grpc.StatusCode,
    details: str | None,
    trailers: Iterable[tuple[str, str | bytes]] | None,
    *,
    address: str,
    service: str,
) -> ScenographError:
    """The error of a failed call, with what its trailing `grpc-status-details-bin` tells."""
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    retry_after: float | None = None
    for detail in _status(trailers).details:
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
        elif detail.Is(bad_request.DESCRIPTOR):
            detail.Unpack(bad_request)
        elif detail.Is(retry.DESCRIPTOR):
            detail.Unpack(retry)
            retry_after = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    message = details or code.name
    if not info.reason and code is grpc.StatusCode.CANCELLED:  # by a server that ends
        code, message = grpc.StatusCode.UNAVAILABLE, f"the call was cut short: {message}"
    elif not info.reason and code is grpc.StatusCode.UNAVAILABLE:
        message = f"cannot reach a scenograph server at {address}: {message}"
    if not info.reason and code is grpc.StatusCode.UNIMPLEMENTED:
        message = (
            f"the server at {address} does not offer {service}; `scenograph serve` without a service's name "
            "offers all of them, and a server of one service only that one"
        )
    return error_class(info.reason, code)(
        message,
        code=code,
        reason=info.reason,
        fields=tuple(FieldViolation(v.field, v.description) for v in bad_request.field_violations),
        retry_after=retry_after,
        metadata=dict(info.metadata),
    )


def _status(trailers: Iterable[tuple[str, str | bytes]] | None) -> status_pb2.Status:
    for key, value in trailers or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                break
    return status_pb2.Status()
