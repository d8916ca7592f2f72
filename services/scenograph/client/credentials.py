"""Who calls: an API key or a token, sent along with each call."""

from __future__ import annotations

import ipaddress
import warnings
from collections.abc import Callable, Sequence

from scenograph.client.tracing import Metadata, with_trace

AUTHORIZATION = "authorization"
Token = Callable[[], str]
"""Gives a token that is good now; asked before each call, from the thread that makes it."""


class Headers:
    """The metadata of each call: what was given for all, the credentials, and the program's trace.

    Errors on making one: ValueError, where both a key and a token are given.
    """

    def __init__(
        self,
        metadata: Sequence[tuple[str, str]],
        key: str | None,
        token: Token | None,
    ) -> None:
        if key and token is not None:
            raise ValueError("give a key or a token, not both")
        self._fixed: Metadata = tuple(metadata)
        if key:
            self._fixed += ((AUTHORIZATION, f"Bearer {key}"),)
        self._token = token
        self.secret = bool(key) or token is not None

    def __call__(self) -> Metadata:
        if self._token is None:
            return with_trace(self._fixed)
        return with_trace((*self._fixed, (AUTHORIZATION, f"Bearer {self._token()}")))


def warn_if_seen(address: str, *, secret: bool, encrypted: bool) -> None:
    """Warns where a key or token would be sent in the clear to another machine."""
    if secret and not encrypted and not _here(address):
        warnings.warn(
            f"credentials go to {address} in the clear; give `credentials` for an encrypted connection",
            UserWarning,
            stacklevel=3,
        )


def _here(address: str) -> bool:
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].rpartition("/")[2].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
