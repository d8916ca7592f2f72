"""JSON Web Tokens: made by an identity provider, verified with the public keys of a JWKS file.

The kind of signature is the key's, never the token's word: a token cannot ask for `none`, nor for a shared
secret with a public key as the secret.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from scenograph.runtime.principal import Principal
from scenograph.runtime.security.forwarding import check_fits
from scenograph.runtime.security.principals import ALL_LABELS, NO_QUOTA, Identity, Quota, roles_of
from scenograph.runtime.security.watched import Watched
from scenograph.scene.errors import InvalidInput, Unauthenticated

ALGORITHMS = frozenset(("RS256", "ES256", "EdDSA"))
CLAIM = "scenograph"
PREFIX = "jwt:"
"""Before the subject, in the name of a token's holder: no token makes one a principal of the file."""
_LONGEST_SUBJECT = 256
KEPT = 1000
"""Tokens that need not be verified again."""

Keys = Mapping[str, jwt.PyJWK]
"""Public keys by their id."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say; `leeway_s`: how far the clocks may differ."""

    issuer: str
    audience: str
    leeway_s: float = 30.0


@dataclass(frozen=True, slots=True)
class _Good:
    """A verified token's holder, the keys that it was verified with, and when it expires."""

    identity: Identity
    keys: Keys
    until: float


def parse_jwks(text: str) -> Keys:
    """Reads a JWKS file. Errors: InvalidInput, which names the key that cannot be used."""
    try:
        entries = json.loads(text)["keys"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput('not a JWKS: {"keys": [...]}') from error
    keys: dict[str, jwt.PyJWK] = {}
    for place, entry in enumerate(entries):
        try:
            key = jwt.PyJWK(entry)
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
            raise InvalidInput(f"keys[{place}]: {error}") from error
        if key.algorithm_name not in ALGORITHMS:
            raise InvalidInput(
                f"keys[{place}]: {key.algorithm_name}; there are {', '.join(sorted(ALGORITHMS))}"
            )
        if not key.key_id:
            raise InvalidInput(f"keys[{place}] has no kid")
        if key.key_id in keys:
            raise InvalidInput(f"two keys have the kid {key.key_id}")
        keys[key.key_id] = key
    if not keys:
        raise InvalidInput("no keys")
    return keys


class Tokens:
    """Verifies tokens with the keys of a file. `quota` is each holder's.

    A token that was good is so until it expires, or the file changes: it is not verified again.
    """

    def __init__(self, keys: Watched[Keys], expected: Expected, quota: Quota = NO_QUOTA) -> None:
        self._keys = keys
        self._expected = expected
        self._quota = quota
        self._good: OrderedDict[str, _Good] = OrderedDict()

    def identify(self, token: str) -> Identity:
        """Whose token it is. Errors: Unauthenticated, which says what is wrong with it."""
        good = self._good.get(token)
        if good is not None and good.keys is self._keys.value and time.time() < good.until:
            return good.identity
        try:
            keys = self._keys.value
            claims = self._verified(token)
            principal = _principal(claims)
            check_fits(principal)
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("the token has expired") from error
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"the token is refused: {error}") from error
        except InvalidInput as error:
            raise Unauthenticated(f"the token is refused: {error.message}") from error
        identity = Identity(principal, self._quota)
        self._good[token] = _Good(identity, keys, int(claims["exp"]) + self._expected.leeway_s)
        if len(self._good) > KEPT:
            self._good.popitem(last=False)
        return identity

    def _verified(self, token: str) -> dict[str, Any]:
        kid = jwt.get_unverified_header(token).get("kid")
        key = self._keys.value.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise InvalidInput("its kid names no known key")
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=[key.algorithm_name],
            audience=self._expected.audience,
            issuer=self._expected.issuer,
            leeway=self._expected.leeway_s,
            options={"require": ["exp", "sub", "aud", "iss"]},
        )
        return claims


def _principal(claims: Mapping[str, Any]) -> Principal:
    subject, own = claims["sub"], claims.get(CLAIM, {})
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or not subject.isprintable():
        raise InvalidInput(f"its subject is not a name of 1 to {_LONGEST_SUBJECT} printable characters")
    roles, labels = (own.get("roles", {}), own.get("labels", [])) if isinstance(own, dict) else (None, None)
    if not isinstance(roles, dict):
        raise InvalidInput("its roles are not a map from collections to roles")
    if labels != ALL_LABELS and not (
        isinstance(labels, list) and all(isinstance(label, str) and 0 < len(label) <= 64 for label in labels)
    ):
        raise InvalidInput("its labels are not a list of labels")
    held = None if labels == ALL_LABELS else frozenset(labels)
    return Principal(PREFIX + subject, roles_of(roles), held)
