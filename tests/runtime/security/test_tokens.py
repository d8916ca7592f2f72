"""Tokens: good ones, and forgeries of each kind that is known to have worked somewhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from scenograph.runtime.principal import Role
from scenograph.runtime.security.principals import Quota
from scenograph.runtime.security.tokens import Expected, Tokens, parse_jwks
from scenograph.runtime.security.watched import Watched
from scenograph.scene.errors import InvalidInput, Unauthenticated

ISSUER, AUDIENCE = "https://login.example", "scenograph"
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
PRIVATE: dict[str, Any] = {"RS256": RSA, "ES256": EC, "EdDSA": ED}
MAKERS: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


def public(algorithm: str, key: Any = None, **more: object) -> dict[str, Any]:
    entry = json.loads(MAKERS[algorithm].to_jwk((key or PRIVATE[algorithm]).public_key()))
    return {**entry, "kid": algorithm, **more}


JWKS = {"keys": [public("RS256", use="sig"), public("ES256"), public("EdDSA", alg="EdDSA")]}


def claims(**changed: Any) -> dict[str, Any]:
    own = {"roles": {"photos": "writer", "*": "reader"}, "labels": ["staff"]}
    made = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": time.time() + 60, "scenograph": own}
    return {key: value for key, value in {**made, **changed}.items() if value is not None}


def token(algorithm: str = "ES256", *, kid: str | None = "", **changed: Any) -> str:
    headers = {} if kid is None else {"kid": kid or algorithm}
    return jwt.encode(claims(**changed), PRIVATE[algorithm], algorithm, headers)


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(JWKS))
    expected = Expected(ISSUER, AUDIENCE, leeway_s=5)
    return Tokens(Watched(path, parse_jwks), expected, Quota(concurrent=3))


@pytest.mark.parametrize("algorithm", PRIVATE)
def test_whose_token_it_is(tokens: Tokens, algorithm: str) -> None:
    identity = tokens.identify(token(algorithm))
    principal = identity.principal
    assert (principal.name, principal.labels, principal.service) == (
        "jwt:alice",
        frozenset(("staff",)),
        False,
    )
    assert principal.roles == {"photos": Role.WRITER, "*": Role.READER} and identity.quota.concurrent == 3


def test_several_audiences_all_labels_and_no_claim_of_ours(tokens: Tokens) -> None:
    several = token(aud=["other", AUDIENCE], scenograph={"labels": "*"})
    assert tokens.identify(several).principal.labels is None
    bare = tokens.identify(token(scenograph=None)).principal
    assert bare.highest_role() is Role.NONE and bare.labels == frozenset()


def test_the_clocks_may_differ_a_little(tokens: Tokens) -> None:
    assert tokens.identify(token(exp=time.time() - 2)).principal.name == "jwt:alice"
    with pytest.raises(Unauthenticated, match="expired"):
        tokens.identify(token(exp=time.time() - 20))


def test_a_token_is_good_no_longer_than_it_says(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    signed, now = token(exp=time.time() + 60), time.time()
    assert tokens.identify(signed) is tokens.identify(signed)
    monkeypatch.setattr(time, "time", lambda: now + 64)
    assert tokens.identify(signed).principal.name == "jwt:alice"
    monkeypatch.setattr(time, "time", lambda: now + 66)
    with monkeypatch.context() as later:
        later.setattr("jwt.api_jwt.datetime", _Later)
        with pytest.raises(Unauthenticated, match="expired"):
            tokens.identify(signed)


class _Later(datetime):
    """The clock that PyJWT looks at, a while on."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> _Later:
        return super().now(tz) + timedelta(seconds=66)


def test_few_tokens_are_kept(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenograph.runtime.security.tokens.KEPT", 2)
    first = [token(sub=name) for name in "abc"]
    known = [tokens.identify(one) for one in first]
    assert tokens.identify(first[2]) is known[2] and tokens.identify(first[0]) == known[0]
    assert tokens.identify(first[0]) is not known[0]


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 300},
        {"sub": "a\nb"},
        {"aud": None},
        {"aud": "another"},
        {"iss": None},
        {"iss": "https://login.example.evil"},
        {"nbf": time.time() + 86_400},
        {"scenograph": "admin"},
        {"scenograph": {"roles": ["admin"]}},
        {"scenograph": {"roles": {"photos": "owner"}}},
        {"scenograph": {"roles": {"photos": 3}}},
        {"scenograph": {"labels": "staff"}},
        {"scenograph": {"labels": [1]}},
        {"scenograph": {"labels": [hashlib.sha256(bytes([n])).hexdigest() for n in range(250)]}},
    ],
)
def test_what_a_token_must_say(tokens: Tokens, changed: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        tokens.identify(token(**changed))


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(algorithm: str) -> str:
    return f"{encoded({'alg': algorithm, 'kid': 'RS256', 'typ': 'JWT'})}.{encoded(claims())}."


def public_key_as_secret() -> str:
    """HS256 with the public RSA key as the shared secret: who goes by the header's word takes it."""
    secret = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = f"{encoded({'alg': 'HS256', 'kid': 'RS256', 'typ': 'JWT'})}.{encoded(claims())}"
    signature = hmac.digest(secret, head.encode(), "sha256")
    return f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def other_claims() -> str:
    head, _, signature = token().split(".")
    return f"{head}.{encoded(claims(sub='root'))}.{signature}"


def own_key_in_the_header() -> str:
    mine = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(claims(), mine, "ES256", {"kid": "ES256", "jwk": public("ES256", mine)})


FORGERIES: dict[str, Callable[[], str]] = {
    "none": lambda: unsigned("none"),
    "None": lambda: unsigned("None"),
    "an empty signature": lambda: unsigned("RS256"),
    "HS256 with the public key": public_key_as_secret,
    "another key of the set": lambda: token("ES256", kid="RS256"),
    "an unknown key": lambda: token(kid="nobody"),
    "no key id": lambda: token(kid=None),
    "other claims": other_claims,
    "a key of its own": own_key_in_the_header,
    "another kind of signature": lambda: jwt.encode(claims(), RSA, "RS512", {"kid": "RS256"}),
    "no token": lambda: "x",
    "nothing": lambda: "",
    "dots": lambda: "..",
    "not JSON": lambda: "e30.e30.e30",
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_forgeries(tokens: Tokens, kind: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.identify(FORGERIES[kind]())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a JWKS"),
        ("[]", "not a JWKS"),
        ('{"keys": []}', "no keys"),
        (json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "a"}]}), r"keys\[0\]: HS256; there are"),
        (json.dumps({"keys": [public("RS256", alg="RS512")]}), r"keys\[0\]: RS512; there are"),
        (json.dumps({"keys": [{"kty": "RSA", "kid": "a"}]}), r"keys\[0\]"),
        (json.dumps({"keys": [public("ES256", kid="")]}), "no kid"),
        (json.dumps({"keys": [public("ES256"), public("RS256", kid="ES256")]}), "two keys"),
    ],
)
def test_what_is_wrong_with_a_key_file_is_told(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_jwks(text)


def test_a_key_that_was_taken_out_signs_no_more(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(JWKS))
    keys = Watched(path, parse_jwks)
    tokens = Tokens(keys, Expected(ISSUER, AUDIENCE))
    signed = token("ES256")
    assert tokens.identify(signed).principal.name == "jwt:alice"
    path.write_text(json.dumps({"keys": JWKS["keys"][:1]}))
    assert keys.refresh()
    with pytest.raises(Unauthenticated, match="no known key"):
        tokens.identify(signed)
