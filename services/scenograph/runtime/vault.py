"""Master keys, and the data keys that they wrap.

Data is encrypted with a data key of its own; the master key encrypts nothing but data keys, so that it can be
changed without touching the data. AES-256-GCM throughout.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from scenograph.scene.errors import InvalidInput, WrongKey

KEY_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it is kept beside its data: which master key wrapped it, and a number that tells one set
    of data under the key from another.
    """

    master: str
    salt: bytes
    wrapped: bytes


class Vault:
    """Master keys, the newest first: it wraps, all of them unwrap."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise InvalidInput(f"a key has {KEY_BYTES} bytes")
        self._keys = {_fingerprint(key): key for key in keys}
        self._newest = _fingerprint(keys[0])

    @classmethod
    def parse(cls, text: str, where: str) -> Vault:
        """Keys in base64 or hexadecimal, the newest first, separated by blanks, commas or line ends; '#'
        begins a comment. Errors: InvalidInput, which never shows what was read.
        """
        words = [
            word for line in text.splitlines() for word in line.partition("#")[0].replace(",", " ").split()
        ]
        if not words:
            raise InvalidInput(f"{where} holds no key")
        return cls([_key(word, f"key {number} of {where}") for number, word in enumerate(words, 1)])

    @classmethod
    def of(cls, key: str, key_file: str) -> Vault | None:
        """The keys that the settings name; None where they name none.

        Errors: InvalidInput where both are given, the file cannot be read, or a key is malformed.
        """
        if key and key_file:
            raise InvalidInput("index.key and index.key_file are both given; one is enough")
        if not key_file:
            return cls.parse(key, "index.key") if key else None
        try:
            return cls.parse(Path(key_file).read_text(encoding="utf-8"), f"index.key_file {key_file}")
        except (OSError, UnicodeError) as error:
            raise InvalidInput(f"index.key_file {key_file} cannot be read: {error}") from error

    def new(self) -> tuple[WrappedKey, bytes]:
        """A fresh data key, wrapped and plain."""
        key = secrets.token_bytes(KEY_BYTES)
        return self.wrap(key), key

    def wrap(self, key: bytes, salt: bytes | None = None) -> WrappedKey:
        """A data key wrapped by the newest master key, for new data, or for the data that has this salt."""
        salt = salt or secrets.token_bytes(SALT_BYTES)
        return WrappedKey(self._newest, salt, encrypt(self._keys[self._newest], key, b"data key" + salt))

    def unwrap(self, wrapped: WrappedKey, what: str) -> bytes:
        """The data key of `what`. Errors: WrongKey."""
        master = self._keys.get(wrapped.master)
        if master is None:
            known = ", ".join(self._keys)
            raise WrongKey(
                f"{what} is encrypted under the key {wrapped.master}, which is not given ({known})"
            )
        try:
            return decrypt(master, wrapped.wrapped, b"data key" + wrapped.salt)
        except InvalidTag:
            raise WrongKey(f"the data key of {what} is damaged") from None

    def is_newest(self, wrapped: WrappedKey) -> bool:
        """Whether the newest master key wraps this data key."""
        return wrapped.master == self._newest

    def derived(self, purpose: str) -> list[bytes]:
        """Keys for short-lived data that need none of their own, the newest first."""
        return [
            hashlib.sha256(b"scenograph " + purpose.encode() + key).digest() for key in self._keys.values()
        ]


def encrypt(key: bytes, content: bytes, bound: bytes) -> bytes:
    """The content under a random nonce, which goes in front; it opens with the same `bound` bytes only."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, bound)


def decrypt(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    """What `encrypt` was given. Errors: cryptography's InvalidTag where anything differs."""
    if len(sealed) < NONCE_BYTES:
        raise InvalidTag
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)


def _fingerprint(key: bytes) -> str:
    """Tells master keys apart without telling what they are."""
    return hashlib.sha256(b"scenograph master key" + key).hexdigest()[:16]


def _key(word: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(word) if len(word) == 2 * KEY_BYTES else base64.b64decode(word, validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES:
        raise InvalidInput(f"{where} is not {KEY_BYTES} bytes in base64 or hexadecimal")
    return key
