"""Page tokens: where a list goes on, sealed so that only this index folder's own tokens are taken."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

import msgspec

from scenograph.scene.errors import InvalidPageToken

SEAL_BYTES = 16
Part = str | int


class Tokens:
    """Seals with HMAC-SHA256 under the folder's secret, so tokens outlive a restart."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def seal(self, *parts: Part) -> str:
        """An opaque token that holds the parts."""
        payload = msgspec.msgpack.encode(parts)
        return base64.urlsafe_b64encode(self._mac(payload) + payload).decode().rstrip("=")

    def unseal(self, token: str, *scope: Part) -> list[Part]:
        """What follows `scope` in the token. Errors: InvalidPageToken where it was altered or has another
        scope.
        """
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidPageToken("not a page token", field="page_token") from None
        payload = raw[SEAL_BYTES:]
        canonical = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        if canonical != token or not hmac.compare_digest(self._mac(payload), raw[:SEAL_BYTES]):
            raise InvalidPageToken("not a page token of this index, or altered", field="page_token")
        parts: list[Part] = msgspec.msgpack.decode(payload)
        if parts[: len(scope)] != list(scope):
            raise InvalidPageToken("the page token belongs to another request", field="page_token")
        return parts[len(scope) :]

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._secret, payload, hashlib.sha256)[:SEAL_BYTES]
