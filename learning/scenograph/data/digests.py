"""Digests of what features are computed from: the same digest means the same features."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path


def digest_of(*parts: str) -> str:
    """SHA-256 of texts, as 64 hexadecimal digits; ("ab", "c") differs from ("a", "bc")."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


def digest_files(files: Sequence[Path]) -> str:
    """SHA-256 over the contents of files in their order, whatever they are called."""
    return digest_of(*(_content(file) for file in files))


def digest_texts(texts: Iterable[str]) -> str:
    """SHA-256 over texts in their order."""
    return digest_of(*texts)


def _content(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
