"""Page tokens: where a list goes on, encrypted so that they tell nothing of what lies between (how many items
there are that one may not see, say), and only this index folder's own are taken.
"""

from __future__ import annotations

import base64
import binascii

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from scenograph.scene.errors import InvalidPageToken

Part = str | int


class Tokens:
    """Encrypts with AES-SIV under the folder's secret (32 bytes), so tokens outlive a restart."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESSIV(secret)

    def seal(self, *parts: Part) -> str:
        """An opaque token that holds the parts."""
        sealed = self._cipher.encrypt(msgspec.msgpack.encode(parts), None)
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def unseal(self, token: str, *scope: Part) -> list[Part]:
        """What follows `scope` in the token. Errors: InvalidPageToken where it was altered or has another
        scope.
        """
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidPageToken("not a page token", field="page_token") from None
        try:
            if base64.urlsafe_b64encode(raw).decode().rstrip("=") != token:
                raise InvalidTag
            parts: list[Part] = msgspec.msgpack.decode(self._cipher.decrypt(raw, None))
        except (InvalidTag, ValueError):
            raise InvalidPageToken("not a page token of this index, or altered", field="page_token") from None
        if parts[: len(scope)] != list(scope):
            raise InvalidPageToken("the page token belongs to another request", field="page_token")
        return parts[len(scope) :]
