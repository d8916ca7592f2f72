"""Trailing metadata that several parts of a call add to; gRPC's own setter forgets what the others wrote."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc

Trailers: TypeAlias = "tuple[tuple[str, str | bytes], ...]"


def trailers(context: grpc.aio.ServicerContext[Any, Any]) -> Trailers:
    """What has been added so far."""
    return tuple((key, value) for key, value in context.trailing_metadata() or ())


def add_trailer(context: grpc.aio.ServicerContext[Any, Any], key: str, value: str | bytes) -> None:
    """Adds a trailer, in place of an earlier one of the same key."""
    others = [pair for pair in context.trailing_metadata() or () if pair[0] != key]
    context.set_trailing_metadata((*others, (key, value)))
