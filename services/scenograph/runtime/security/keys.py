"""API keys: random, shown once, known by their SHA-256."""

from __future__ import annotations

import hashlib
import secrets

KEY_PREFIX = "sg_"
"""So that a key is told from a token, and found where one was left lying about."""


def new_key() -> str:
    """A key of 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def key_digest(key: str) -> str:
    """What a principals file says of a key. A slow hash would gain nothing: keys cannot be guessed."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
