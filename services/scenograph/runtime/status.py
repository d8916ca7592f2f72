"""Domain errors <-> gRPC status: one table, and the standard google.rpc details.

Nothing is lost on the way, so that both deployments raise the same errors.
"""

from __future__ import annotations

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2 as details_pb
from google.rpc import status_pb2

from scenograph.scene import errors
from scenograph.scene.errors import FieldViolation, ScenographError
from scenograph.v1 import common_pb2 as pb

DOMAIN = "scenograph"
DETAILS_KEY = "grpc-status-details-bin"

STATUS: dict[type[ScenographError], grpc.StatusCode] = {
    errors.InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.ResourceExhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.DataLoss: grpc.StatusCode.DATA_LOSS,
    errors.Internal: grpc.StatusCode.INTERNAL,
}
"""The code of each class and of the classes below it; the nearest class counts."""

_BY_CODE: dict[grpc.StatusCode, type[ScenographError]] = {code: error for error, code in STATUS.items()}
_CODES = {int(code.value[0]): code for code in grpc.StatusCode}

# Those that may say when to try again.
_TIMED = (errors.ResourceExhausted, errors.Unavailable)

# A client takes 8 KiB of trailers: texts are clipped so that the details of any error fit.
_MESSAGE_BYTES = 1000
_VIOLATIONS = 8
_METADATA_BYTES = 200
_METADATA_ENTRIES = 8


def error_classes(root: type[ScenographError] = ScenographError) -> list[type[ScenographError]]:
    """All classes below `root`, each once."""
    found: dict[type[ScenographError], None] = {}
    for child in root.__subclasses__():
        found[child] = None
        found.update(dict.fromkeys(error_classes(child)))
    return list(found)


def code_of(error: ScenographError | type[ScenographError]) -> grpc.StatusCode:
    """The gRPC code of an error: that of the nearest class in the table; INTERNAL for the bare root."""
    kind = error if isinstance(error, type) else type(error)
    return next((STATUS[base] for base in kind.__mro__ if base in STATUS), grpc.StatusCode.INTERNAL)


def to_status(error: ScenographError) -> status_pb2.Status:
    """google.rpc.Status with ErrorInfo and, where they apply, BadRequest, QuotaFailure and RetryInfo."""
    message = _clip(error.message, _MESSAGE_BYTES)
    status = status_pb2.Status(code=code_of(error).value[0], message=message)
    metadata = {
        key: _clip(value, _METADATA_BYTES) for key, value in list(error.metadata.items())[:_METADATA_ENTRIES]
    }
    status.details.add().Pack(details_pb.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))
    if isinstance(error, errors.InvalidInput) and error.violations:
        shown = error.violations[:_VIOLATIONS]
        room = _MESSAGE_BYTES // len(shown)
        status.details.add().Pack(
            details_pb.BadRequest(
                field_violations=[
                    details_pb.BadRequest.FieldViolation(
                        field=_clip(v.field, _METADATA_BYTES), description=_clip(v.description, room)
                    )
                    for v in shown
                ]
            )
        )
    if isinstance(error, errors.ResourceExhausted):
        violation = details_pb.QuotaFailure.Violation(subject=error.reason, description=message)
        status.details.add().Pack(details_pb.QuotaFailure(violations=[violation]))
    if isinstance(error, _TIMED) and error.retry_after_s is not None:
        delay = Duration()
        delay.FromNanoseconds(round(error.retry_after_s * 1e9))
        status.details.add().Pack(details_pb.RetryInfo(retry_delay=delay))
    return status


def from_status(status: status_pb2.Status) -> ScenographError:
    """The error that `to_status` was given: its class by reason, or by code where the reason is unknown."""
    info, bad_request, retry = details_pb.ErrorInfo(), details_pb.BadRequest(), details_pb.RetryInfo()
    retry_after_s: float | None = None
    for detail in status.details:
        if detail.Unpack(info) or detail.Unpack(bad_request):
            continue
        if detail.Unpack(retry):
            retry_after_s = retry.retry_delay.ToNanoseconds() / 1e9
    violations = tuple(FieldViolation(v.field, v.description) for v in bad_request.field_violations)
    kind = _class_for(info.reason if info.domain == DOMAIN else "", status.code)
    return _build(kind, status.message, dict(info.metadata), violations, retry_after_s)


def from_rpc_error(error: grpc.aio.AioRpcError) -> ScenographError:
    """What the other side raised. A broken connection is Unavailable, an expired call DeadlineExceeded."""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY:
            status = status_pb2.Status()
            status.ParseFromString(value if isinstance(value, bytes) else value.encode())
            return from_status(status)
    code, text = error.code(), error.details() or error.code().name
    if code in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNIMPLEMENTED):
        return errors.Unavailable(f"the service did not take the call: {text}")
    return _build(_class_for("", int(code.value[0])), text, {}, (), None)


def item_status(error: ScenographError | None) -> pb.ItemStatus:
    """What became of one part of a batch; None is OK."""
    if error is None:
        return pb.ItemStatus()
    violations = error.violations if isinstance(error, errors.InvalidInput) else ()
    return pb.ItemStatus(
        code=int(code_of(error).value[0]),
        reason=error.reason,
        message=_clip(error.message, _MESSAGE_BYTES),
        field=violations[0].field if violations else "",
    )


def error_from_item_status(status: pb.ItemStatus) -> ScenographError | None:
    """The error of one part of a batch, or None when it is OK."""
    if status.code == 0:
        return None
    violations = (FieldViolation(status.field, status.message),) if status.field else ()
    return _build(_class_for(status.reason, status.code), status.message, {}, violations, None)


def _class_for(reason: str, code: int) -> type[ScenographError]:
    known = next((kind for kind in error_classes() if kind.reason == reason), None) if reason else None
    return known or _BY_CODE.get(_CODES.get(code, grpc.StatusCode.UNKNOWN), errors.Internal)


def _build(
    kind: type[ScenographError],
    message: str,
    metadata: dict[str, str],
    violations: tuple[FieldViolation, ...],
    retry_after_s: float | None,
) -> ScenographError:
    error: ScenographError
    if issubclass(kind, errors.InvalidGraphQuery | errors.InvalidFilter):
        error = kind(message, position=int(metadata.get("position", 0)))
    elif issubclass(kind, _TIMED):
        error = kind(message, retry_after_s=retry_after_s)
    else:
        error = kind(message)
    error.metadata = metadata
    if isinstance(error, errors.InvalidInput):
        error.violations = violations
    return error


def _clip(text: str, size: int) -> str:
    raw = text.encode("utf-8", errors="replace")
    return raw.decode() if len(raw) <= size else raw[: size - 3].decode("utf-8", errors="ignore") + "..."
