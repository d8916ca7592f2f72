"""What of a record lies in its file as it is, and what is encrypted.

In an encrypted collection the texts, metadata, access labels, ids, codes, embeddings, graphs and images are
sealed, each bound to its collection and to its place in the file; looked up is by keyed digests. How many
entries an item has, their kind, an image's width and height, and the times stay readable.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Iterable
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from scenograph.index.database import read_key
from scenograph.runtime.vault import NONCE_BYTES, Vault, WrappedKey
from scenograph.scene.errors import IndexCorrupt, WrongKey

GRAPH, IMAGE = b"graph", b"image"
_ITEM, _ENTRY = b"item", b"entry"
ItemParts = tuple[str, bytes, bytes]  # id, metadata, access labels
EntryParts = tuple[str, bytes, bytes]  # text, code, embedding

_parts = msgspec.msgpack.Decoder(tuple[str, bytes, bytes])


class Codec(Protocol):
    """How parts of a record are written to the columns of its file, and read from them.

    Errors of reading: IndexCorrupt.
    """

    whole: bool
    """Whether a part can be read only from the whole row."""

    def name(self, name: str) -> str:
        """What an id or a request id is looked up by."""
        ...

    def digest(self, digest: bytes) -> bytes:
        """What a digest of content is compared by."""
        ...

    def write_item(self, sequence: int, first_entry: int, parts: ItemParts) -> ItemParts: ...

    def read_item(self, sequence: int, first_entry: int, columns: ItemParts) -> ItemParts: ...

    def write_entry(self, entry: int, parts: EntryParts) -> EntryParts: ...

    def read_entry(self, entry: int, columns: EntryParts) -> EntryParts: ...

    def write_blob(self, kind: bytes, content: bytes, *place: int) -> bytes: ...

    def read_blob(self, kind: bytes, column: bytes, *place: int) -> bytes: ...

    def sibling(self, vault: Vault | None) -> WrappedKey | None:
        """The key of another file of the same collection: it looks names up alike, and takes no part of this
        one's records for its own.
        """
        ...


class Plain:
    """Everything as it is."""

    whole = False

    def name(self, name: str) -> str:
        return name

    def digest(self, digest: bytes) -> bytes:
        return digest

    def write_item(self, sequence: int, first_entry: int, parts: ItemParts) -> ItemParts:
        return parts

    read_item = write_item

    def write_entry(self, entry: int, parts: EntryParts) -> EntryParts:
        return parts

    read_entry = write_entry

    def write_blob(self, kind: bytes, content: bytes, *place: int) -> bytes:
        return content

    read_blob = write_blob

    def sibling(self, vault: Vault | None) -> WrappedKey | None:
        return None


class Sealed:
    """Encrypted with a collection's data key."""

    whole = True

    def __init__(self, collection: str, wrapped: WrappedKey, key: bytes) -> None:
        self.wrapped = wrapped
        self.key = key
        self._collection = collection
        self._cipher = AESGCM(key)
        self._names = hmac.digest(key, b"names", hashlib.sha256)

    def name(self, name: str) -> str:
        return hmac.digest(self._names, name.encode(), hashlib.sha256).hex()

    def digest(self, digest: bytes) -> bytes:
        return hmac.digest(self._names, digest, hashlib.sha256)

    def write_item(self, sequence: int, first_entry: int, parts: ItemParts) -> ItemParts:
        content = msgspec.msgpack.encode(parts)
        return self.name(parts[0]), self.write_blob(_ITEM, content, sequence, first_entry), b""

    def read_item(self, sequence: int, first_entry: int, columns: ItemParts) -> ItemParts:
        content = self.read_blob(_ITEM, columns[1], sequence, first_entry)
        return _parts.decode(content)

    def write_entry(self, entry: int, parts: EntryParts) -> EntryParts:
        return "", b"", self.write_blob(_ENTRY, msgspec.msgpack.encode(parts), entry)

    def read_entry(self, entry: int, columns: EntryParts) -> EntryParts:
        return _parts.decode(self.read_blob(_ENTRY, columns[2], entry))

    def write_blob(self, kind: bytes, content: bytes, *place: int) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, self._bound(kind, place))

    def read_blob(self, kind: bytes, column: bytes, *place: int) -> bytes:
        try:
            if len(column) < NONCE_BYTES:
                raise InvalidTag
            nonce, content = column[:NONCE_BYTES], column[NONCE_BYTES:]
            return self._cipher.decrypt(nonce, content, self._bound(kind, place))
        except InvalidTag:
            raise IndexCorrupt(
                f"a record of {self._collection!r} was changed or moved; restore a snapshot"
            ) from None

    def sibling(self, vault: Vault | None) -> WrappedKey | None:
        assert vault is not None, "an encrypted collection was opened by a vault"
        return vault.wrap(self.key)

    def _bound(self, kind: bytes, place: Iterable[int]) -> bytes:
        """Bytes that belong to one place in one file."""
        return b":".join((kind, self.wrapped.salt, *(b"%d" % number for number in place)))


def codec_of(connection: sqlite3.Connection, collection: str, vault: Vault | None) -> Codec:
    """How a file's records are read and written. Errors: WrongKey."""
    wrapped = read_key(connection)
    if wrapped is None:
        return Plain()
    return Sealed(collection, wrapped, unwrapped(wrapped, collection, vault))


def unwrapped(wrapped: WrappedKey, collection: str, vault: Vault | None) -> bytes:
    """A collection's data key. Errors: WrongKey."""
    if vault is None:
        raise WrongKey(f"{collection!r} is encrypted: give its key by index.key or index.key_file")
    return vault.unwrap(wrapped, f"{collection!r}")
