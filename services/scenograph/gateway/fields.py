"""Errors told with the path of the field at fault, and the checks of sizes that every call shares."""

from __future__ import annotations

from scenograph.scene.errors import (
    FieldViolation,
    InvalidFilter,
    InvalidGraphQuery,
    InvalidInput,
    InvalidText,
    ScenographError,
)


def at_field(error: ScenographError, field: str) -> ScenographError:
    """The same error, blaming `field` of the gateway's request instead of a field of an inner service's
    request.

    Only errors about the input change; an unreachable service stays what it is.
    """
    if not isinstance(error, InvalidInput) or isinstance(error, InvalidGraphQuery | InvalidFilter):
        return error
    renamed = type(error)(error.message, field=field, metadata=error.metadata)
    renamed.__cause__ = error
    return renamed


def under(parent: str, error: InvalidInput) -> InvalidInput:
    """The same error, its fields inside the field `parent` of the request."""
    error.violations = tuple(
        FieldViolation(f"{parent}.{violation.field}", violation.description) for violation in error.violations
    )
    return error


def bounded(value: int, *, default: int, most: int, field: str) -> int:
    """A size: 0 means the default. Raises InvalidInput for a negative one or one above `most`."""
    if not 0 <= value <= most:
        raise InvalidInput(f"{value} is outside 0 to {most}", field=field)
    return value or default


def counted(count: int, *, most: int, what: str, field: str) -> None:
    """Raises InvalidInput where a list is empty or longer than `most`."""
    if not 1 <= count <= most:
        raise InvalidInput(f"{count} {what}; 1 to {most} are allowed", field=field)


def check_text(text: str, *, most: int, field: str) -> None:
    """Raises InvalidText where a text is blank or longer than `most` code points."""
    if not text.strip():
        raise InvalidText("the text is empty", field=field)
    if len(text) > most:
        raise InvalidText(f"the text has {len(text)} characters; at most {most} are allowed", field=field)


def check_id(item_id: str, *, most: int, field: str) -> None:
    """Raises InvalidInput where an id is empty or longer than `most` code points."""
    if not 1 <= len(item_id) <= most:
        raise InvalidInput(f"an id has 1 to {most} characters, not {len(item_id)}", field=field)
