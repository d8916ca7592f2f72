"""For whom one of scenograph's services calls another: the principal, in a header of the call."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import msgspec

from scenograph.runtime.principal import SYSTEM, Principal, Role, current
from scenograph.scene.errors import InvalidInput

HEADER = "x-scenograph-principal-bin"
AUTHORIZATION = "authorization"
BEARER = "Bearer "
LARGEST_BYTES = 4096
"""A call's headers may have 8 KiB in all."""
_LARGEST_TEXT = 1 << 20


class _Sent(msgspec.Struct, frozen=True):
    name: str
    roles: dict[str, int]
    labels: list[str] | None


def encode(principal: Principal) -> bytes:
    """The header's value."""
    labels = None if principal.labels is None else sorted(principal.labels)
    sent = _Sent(principal.name, {name: int(role) for name, role in principal.roles.items()}, labels)
    return zlib.compress(msgspec.json.encode(sent))


def decode(value: bytes) -> Principal:
    """The principal of a header's value; never a service. Errors: InvalidInput."""
    try:
        text = zlib.decompressobj().decompress(value, _LARGEST_TEXT)
        sent = msgspec.json.decode(text, type=_Sent)
        roles = {name: Role(role) for name, role in sent.roles.items()}
    except (zlib.error, msgspec.MsgspecError, ValueError) as error:
        raise InvalidInput(f"{HEADER} cannot be read: {error}") from error
    return Principal(sent.name, roles, None if sent.labels is None else frozenset(sent.labels))


def check_fits(principal: Principal) -> None:
    """Errors: InvalidInput, where a principal has too many roles and labels to go along with a call."""
    if (size := len(encode(principal))) > LARGEST_BYTES:
        raise InvalidInput(
            f"roles and labels of {principal.name!r} take {size} bytes; at most {LARGEST_BYTES} fit a call"
        )


def sent(service_key: str) -> tuple[tuple[str, str | bytes], ...]:
    """The headers of a call to another service: this process's own key, and whom it calls for."""
    principal = current()
    key: tuple[tuple[str, str | bytes], ...] = ((AUTHORIZATION, BEARER + service_key),) if service_key else ()
    return key if principal is SYSTEM else (*key, (HEADER, encode(principal)))


def received(metadata: Mapping[str, str | bytes]) -> bytes | None:
    """The header of a call that says for whom it is; None where it says nothing."""
    value = metadata.get(HEADER)
    return value if isinstance(value, bytes) else None
