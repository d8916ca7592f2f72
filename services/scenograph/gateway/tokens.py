"""Page tokens: opaque to the caller, fit for one search only, and refused when changed."""

from __future__ import annotations

import base64
import binascii
import hashlib

import msgspec

from scenograph.scene.errors import InvalidPageToken

_CHECK_BYTES = 8
_CHECK_KEY = b"scenograph search page 1"


class PageToken(msgspec.Struct, array_like=True, frozen=True):
    """Where a search goes on: digest of the request, key of its kept ranking, place in it, and digest of
    its order.
    """

    request: bytes
    ranking: str
    offset: int
    order: bytes


_decoder = msgspec.msgpack.Decoder(PageToken)


def write_token(token: PageToken) -> str:
    """The token as URL-safe text."""
    body = msgspec.msgpack.encode(token)
    return base64.urlsafe_b64encode(_check(body) + body).decode().rstrip("=")


def read_token(text: str, request: bytes) -> PageToken:
    """The token of a search with this digest. Raises InvalidPageToken for any other."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        body = raw[_CHECK_BYTES:]
        if raw[:_CHECK_BYTES] != _check(body):
            raise InvalidPageToken("the page token was not made here, or was changed", field="page_token")
        token = _decoder.decode(body)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise InvalidPageToken(
            "the page token was not made here, or was changed", field="page_token"
        ) from error
    if token.request != request:
        raise InvalidPageToken("the page token belongs to another search", field="page_token")
    return token


def _check(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_CHECK_BYTES, key=_CHECK_KEY).digest()
