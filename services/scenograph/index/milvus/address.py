"""Where a Milvus is, by URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from scenograph.scene.errors import InvalidInput

SCHEMES = {"milvus": "http", "milvus+https": "https"}
DEFAULT_PORT = 19530


@dataclass(frozen=True, slots=True)
class Address:
    """`uri` as pymilvus wants it; `token` user:password, never shown; `database`, or "" for the default."""

    uri: str
    token: str = field(default="", repr=False)
    database: str = ""


def parse_address(url: str) -> Address:
    """`milvus://[user:password@]host[:port][/database]`; `milvus+https://...` for TLS.

    Errors: InvalidInput.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORT
    except ValueError as error:
        raise _bad(url) from error
    if parts.scheme not in SCHEMES or not parts.hostname or parts.query or parts.fragment:
        raise _bad(url)
    database = parts.path.strip("/")
    if "/" in database:
        raise _bad(url)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    token = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    return Address(f"{SCHEMES[parts.scheme]}://{host}:{port}", token, database)


def _bad(url: str) -> InvalidInput:
    scheme = url.partition("://")[0]
    known = "milvus://[user:password@]host[:port][/database] or milvus+https://..."
    return InvalidInput(f"not a usable index URL (scheme {scheme[:20]!r}); write {known}", field="index.url")
