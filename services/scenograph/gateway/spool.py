"""Uploads as they lie in their files: the bytes that came, or those encrypted part by part."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag

from scenograph.runtime.vault import decrypt, encrypt

_LENGTH = struct.Struct("<I")


class Spool:
    """Encrypts with the first of its keys, and opens with any; without keys nothing is encrypted.

    A part is bound to its upload and to its place in it, so that none can be moved or repeated.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def part(self, upload: str, start: int, content: bytes) -> bytes:
        """What to add to the file for the upload's bytes from `start` on."""
        if not self._keys:
            return content
        sealed = encrypt(self._keys[0], content, _place(upload, start))
        return _LENGTH.pack(len(sealed)) + sealed

    def whole(self, upload: str, file: bytes) -> bytes:
        """The upload. Errors: InvalidTag where the file was changed, or no key is its own."""
        if not self._keys:
            return file
        content, at = bytearray(), 0
        while at < len(file):
            if at + _LENGTH.size > len(file):
                raise InvalidTag
            (length,) = _LENGTH.unpack_from(file, at)
            at += _LENGTH.size
            content += self._open(upload, len(content), file[at : at + length])
            at += length
        return bytes(content)

    def _open(self, upload: str, start: int, sealed: bytes) -> bytes:
        for key in self._keys:
            try:
                return decrypt(key, sealed, _place(upload, start))
            except InvalidTag:
                continue
        raise InvalidTag


def _place(upload: str, start: int) -> bytes:
    return f"upload {upload} {start}".encode()
