"""Every error that scenograph raises on purpose, in the domain's own words.

The servers map these classes to gRPC codes in one table (`scenograph.runtime.status`); nothing here knows
of gRPC.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request and what is wrong with it."""

    field: str
    description: str


class ScenographError(Exception):
    """Root of the tree. `reason` is a stable UPPER_SNAKE name that a program can test for."""

    reason = "UNKNOWN"

    def __init__(self, message: str, *, metadata: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = metadata or {}


# The caller sent something that can never work.


class InvalidInput(ScenographError):
    """A request that is wrong in itself. `field` is the path of the offending field ("items[3].image")."""

    reason = "INVALID_INPUT"

    def __init__(self, message: str, *, field: str = "", metadata: dict[str, str] | None = None) -> None:
        super().__init__(message, metadata=metadata)
        self.violations: tuple[FieldViolation, ...] = (FieldViolation(field, message),) if field else ()


class InvalidImage(InvalidInput):
    """Bytes that are not a whole JPEG, PNG or WebP picture."""

    reason = "INVALID_IMAGE"


class ImageTooLarge(InvalidInput):
    """A picture with more pixels or bytes than the limit (a decompression bomb, perhaps)."""

    reason = "IMAGE_TOO_LARGE"


class InvalidText(InvalidInput):
    """A text that is empty, too long, or not text."""

    reason = "INVALID_TEXT"


class InvalidGraphQuery(InvalidInput):
    """A graph query that does not parse; `position` is the 0-based code point where it went wrong."""

    reason = "INVALID_GRAPH_QUERY"

    def __init__(self, message: str, *, position: int, field: str = "query.graph") -> None:
        super().__init__(message, field=field, metadata={"position": str(position)})
        self.position = position


class InvalidFilter(InvalidInput):
    """A metadata filter that does not parse; `position` is the 0-based code point where it went wrong."""

    reason = "INVALID_FILTER"

    def __init__(self, message: str, *, position: int, field: str = "filter") -> None:
        super().__init__(message, field=field, metadata={"position": str(position)})
        self.position = position


class InvalidPageToken(InvalidInput):
    """A page token that was not made here, was changed, or belongs to another request."""

    reason = "INVALID_PAGE_TOKEN"


class DuplicateItem(InvalidInput):
    """The same item id twice in one batch."""

    reason = "DUPLICATE_ITEM"


# The caller named something that is not there, or is there already.


class NotFound(ScenographError):
    """Something named in the request does not exist."""

    reason = "NOT_FOUND"


class CollectionNotFound(NotFound):
    """No collection of that name."""

    reason = "COLLECTION_NOT_FOUND"


class ItemNotFound(NotFound):
    """No item of that id in the collection."""

    reason = "ITEM_NOT_FOUND"


class SnapshotNotFound(NotFound):
    """No snapshot of that name."""

    reason = "SNAPSHOT_NOT_FOUND"


class UploadNotFound(NotFound):
    """No finished upload of that id: never made, used up, or expired."""

    reason = "UPLOAD_NOT_FOUND"


class PackNotFound(NotFound):
    """No model pack of that name and version."""

    reason = "PACK_NOT_FOUND"


class ReencodingNotFound(NotFound):
    """The collection was never re-encoded, as far as this process remembers."""

    reason = "REENCODING_NOT_FOUND"


class AlreadyExists(ScenographError):
    """Something of that name exists already."""

    reason = "ALREADY_EXISTS"


class CollectionExists(AlreadyExists):
    """A collection of that name exists already."""

    reason = "COLLECTION_EXISTS"


# The request is sound; the system's state refuses it.


class FailedPrecondition(ScenographError):
    """The system is not in a state in which the request can be done."""

    reason = "FAILED_PRECONDITION"


class PackMismatch(FailedPrecondition):
    """Codes made by one pack version met a collection, or a service, of another: they are never mixed."""

    reason = "PACK_MISMATCH"


class PackNotLoaded(FailedPrecondition):
    """The pack is installed, perhaps, and not in the memory of the process that was asked."""

    reason = "PACK_NOT_LOADED"


class PackInUse(FailedPrecondition):
    """The pack cannot be unloaded: it is the default, or a collection or a re-encoding needs it."""

    reason = "PACK_IN_USE"


class ImagesNotKept(FailedPrecondition):
    """A collection cannot be re-encoded: the files of some of its images were not kept."""

    reason = "IMAGES_NOT_KEPT"


class PageTokenExpired(FailedPrecondition):
    """The ranking that the token continues is no longer kept; search again from the first page."""

    reason = "PAGE_TOKEN_EXPIRED"


class RequestIdReused(FailedPrecondition):
    """The request id was used before with other content."""

    reason = "REQUEST_ID_REUSED"


class IndexFormatTooNew(FailedPrecondition):
    """The index folder was written by a newer scenograph."""

    reason = "INDEX_FORMAT_TOO_NEW"


class PackCorrupt(FailedPrecondition):
    """A pack file is missing or its digest differs from the manifest's."""

    reason = "PACK_CORRUPT"


class PackBuildFailed(FailedPrecondition):
    """A pack could not be built: a source package is missing or changed, or a model strays from its
    reference.
    """

    reason = "PACK_BUILD_FAILED"


class NoFaceDetector(FailedPrecondition):
    """Faces are to be blurred, and what finds them is not there, or damaged. Nothing was stored."""

    reason = "NO_FACE_DETECTOR"


class WrongKey(FailedPrecondition):
    """Data is encrypted, and the key that it needs was not given."""

    reason = "WRONG_KEY"


# Who calls, and what they may.


class Unauthenticated(ScenographError):
    """The caller gave no credentials where they are asked for, or such as are unknown, expired or forged."""

    reason = "UNAUTHENTICATED"


class PermissionDenied(ScenographError):
    """The caller is known, but may not do this."""

    reason = "PERMISSION_DENIED"


# Limits, time and faults.


class ResourceExhausted(ScenographError):
    """A limit was reached. `retry_after_s`, where set, is when to try again."""

    reason = "RESOURCE_EXHAUSTED"

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, metadata: dict[str, str] | None = None
    ) -> None:
        super().__init__(message, metadata=metadata)
        self.retry_after_s = retry_after_s


class DiskFull(ResourceExhausted):
    """The index could not write: no space left. Nothing of the request was stored."""

    reason = "DISK_FULL"


class QueueFull(ResourceExhausted):
    """A queue is full: a model's, or that of searches."""

    reason = "QUEUE_FULL"


class QuotaExceeded(ResourceExhausted):
    """The caller has used up what it may: calls in a time, or calls at the same time."""

    reason = "QUOTA_EXCEEDED"


class DeadlineExceeded(ScenographError):
    """The request's time ran out."""

    reason = "DEADLINE_EXCEEDED"


class Unavailable(ScenographError):
    """A service that the request needs cannot be reached, or is not ready. `retry_after_s` as above."""

    reason = "UNAVAILABLE"

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, metadata: dict[str, str] | None = None
    ) -> None:
        super().__init__(message, metadata=metadata)
        self.retry_after_s = retry_after_s


class DataLoss(ScenographError):
    """Stored data is damaged beyond repair."""

    reason = "DATA_LOSS"


class IndexCorrupt(DataLoss):
    """The index's file is damaged; restore a snapshot."""

    reason = "INDEX_CORRUPT"


class Internal(ScenographError):
    """A fault of a server's own. `metadata["error_id"]` finds the details in that server's log."""

    reason = "INTERNAL"
