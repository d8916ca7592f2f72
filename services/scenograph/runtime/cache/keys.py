"""Cache keys: digests of everything that an answer depends on."""

from __future__ import annotations

import hashlib


def cache_key(*parts: bytes | str | int | float | bool | None) -> str:
    """64 hexadecimal digits over the parts, in order: kind of answer, pack version, options, content.

    No two different lists of parts have the same key, whatever the parts contain.
    """
    digest = hashlib.sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else repr(part).encode()
        digest.update(f"{type(part).__name__}:{len(raw)}:".encode())
        digest.update(raw)
    return digest.hexdigest()
