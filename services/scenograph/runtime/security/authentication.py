"""Who calls: by API key, by token, by certificate, by the key that scenograph's own processes share."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping

from scenograph.runtime.principal import ANY_COLLECTION, SYSTEM, Principal, Role
from scenograph.runtime.security.forwarding import AUTHORIZATION, BEARER
from scenograph.runtime.security.keys import KEY_PREFIX, key_digest
from scenograph.runtime.security.principals import SERVICE_NAME, Identity, Principals
from scenograph.runtime.security.tokens import Tokens
from scenograph.runtime.security.watched import Watched
from scenograph.scene.errors import Unauthenticated

OPEN = Identity(SYSTEM)
SERVICE = Identity(Principal(SERVICE_NAME, {ANY_COLLECTION: Role.ADMIN}, labels=None, service=True))

_ALTERNATIVE, _COMMON = "x509_subject_alternative_name", "x509_common_name"


class Authenticator:
    """Where it knows neither principals nor tokens it asks nobody: every caller is scenograph itself."""

    def __init__(
        self,
        principals: Watched[Principals] | None = None,
        tokens: Tokens | None = None,
        *,
        service_key: str = "",
    ) -> None:
        self._principals = principals
        self._tokens = tokens
        self._service_digest = key_digest(service_key) if service_key else ""
        self.asks = principals is not None or tokens is not None

    def identify(self, metadata: Mapping[str, str | bytes], peer: Mapping[str, Iterable[bytes]]) -> Identity:
        """The caller of a call with this metadata, over a connection of this `auth_context()`.

        What the metadata says counts; the certificate where they say nothing. Errors: Unauthenticated.
        """
        if not self.asks:
            return OPEN
        given = metadata.get(AUTHORIZATION)
        if given is None:
            return self._by_certificate(peer)
        if not isinstance(given, str) or not given.startswith(BEARER):
            raise Unauthenticated(f'the authorization is not of the kind "{BEARER.strip()}"')
        secret = given.removeprefix(BEARER)
        if secret.startswith(KEY_PREFIX) or self._tokens is None:
            return self._by_key(secret)
        return self._tokens.identify(secret)

    def _by_key(self, key: str) -> Identity:
        digest = key_digest(key)
        if self._service_digest and hmac.compare_digest(digest, self._service_digest):
            return SERVICE
        known = self._principals.value.by_key if self._principals is not None else {}
        # Which digest is looked up tells nothing of the key: it cannot be chosen to come near another.
        if (identity := known.get(digest)) is not None:
            return identity
        raise Unauthenticated("the key is not known")

    def _by_certificate(self, peer: Mapping[str, Iterable[bytes]]) -> Identity:
        known = self._principals.value.by_certificate if self._principals is not None else {}
        names = certificate_names(peer)
        for name in names:
            if name in known:
                return known[name]
        if names:
            raise Unauthenticated("the certificate's names are not known, and no key or token was sent")
        raise Unauthenticated("credentials are needed: an API key or a token, as `authorization: Bearer ...`")


def certificate_names(peer: Mapping[str, Iterable[bytes]]) -> list[str]:
    """The names in a client's verified certificate: its alternative names, or else its common name."""
    values = list(peer.get(_ALTERNATIVE) or peer.get(_COMMON) or ())
    return [value.decode("utf-8", "replace") for value in values]
