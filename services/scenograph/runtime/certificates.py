"""Certificates in PEM files: read, checked, and read again once the files have changed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from scenograph.scene.errors import InvalidInput

log = logging.getLogger(__name__)

SYSTEM = "system"
"""In place of a file of authorities: those that gRPC trusts by itself."""

_Signature = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Certificates:
    """What the files hold, in PEM; empty where there is none. `expires`: the certificate's last second."""

    chain: bytes = b""
    key: bytes = b""
    authorities: bytes = b""
    serial: int = 0
    expires: datetime | None = None


class CertificateFiles:
    """A certificate (its chain, the own one first) with its key, authorities to check others by, or both.

    `authorities` may be "system". `names`: what messages call the three, as settings are. A change that
    cannot be used (a missing file, a key of another certificate, an expired one) leaves what was read before,
    and is told in the log, once. Methods may be called from any thread; reading blocks for a moment.

    Errors when made: InvalidInput, which names the setting and the file.
    """

    def __init__(
        self,
        certificate: str = "",
        key: str = "",
        authorities: str = "",
        *,
        names: tuple[str, str, str] = ("tls.certificate", "tls.key", "tls.ca"),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.certificate, self.key, self.authorities = certificate, key, authorities
        self._names = names
        self._now = now
        self._lock = threading.Lock()
        self._signature = self._sign()
        self._current = self._read()

    def current(self) -> Certificates:
        """What the files hold now; the very same object until they change."""
        with self._lock:
            signature = self._sign()
            if signature != self._signature:
                self._renew()
                self._signature = signature
            return self._current

    def _renew(self) -> None:
        try:
            self._current = self._read()
        except InvalidInput as error:
            log.error("keeping the certificates as they were read before: %s", error)
        else:
            log.info("read certificates again: %s", _about(self._current))

    def _sign(self) -> _Signature:
        """What tells that a file was changed or replaced; symbolic links are followed."""
        found = []
        for name in (self.certificate, self.key, self.authorities):
            if name and name != SYSTEM:
                try:
                    about = Path(name).stat()
                except OSError:
                    found.append((0, 0, 0))
                else:
                    found.append((about.st_mtime_ns, about.st_ino, about.st_size))
        return tuple(found)

    def _read(self) -> Certificates:
        of_certificate, of_key, of_authorities = self._names
        authorities = b""
        if self.authorities and self.authorities != SYSTEM:
            authorities = _bytes(self.authorities, of_authorities)
            _parsed(authorities, self.authorities, of_authorities)
        if not self.certificate:
            return Certificates(authorities=authorities)
        chain, key = _bytes(self.certificate, of_certificate), _bytes(self.key, of_key)
        own = _parsed(chain, self.certificate, of_certificate)[0]
        self._check_pair(own, key)
        if own.not_valid_after_utc <= self._now():
            message = f"{self.certificate} expired at {own.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC"
            raise _unusable(of_certificate, message)
        return Certificates(chain, key, authorities, own.serial_number, own.not_valid_after_utc)

    def _check_pair(self, own: x509.Certificate, key: bytes) -> None:
        of_key = self._names[1]
        try:
            private = load_pem_private_key(key, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it has a password
            message = f"{self.key} holds no private key in PEM that can be read without a password"
            raise _unusable(of_key, message) from error
        form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        if private.public_key().public_bytes(*form) != own.public_key().public_bytes(*form):
            raise _unusable(of_key, f"{self.key} is not the key of {self.certificate}")


def _bytes(name: str, setting: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise _unusable(setting, f"{name}: {error.strerror}") from error


def _parsed(pem: bytes, name: str, setting: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise _unusable(setting, f"{name} holds no certificate in PEM") from error


def _unusable(setting: str, message: str) -> InvalidInput:
    return InvalidInput(f"{setting}: {message}", field=setting)


def _about(read: Certificates) -> str:
    if read.expires is None:
        return "the authorities"
    return f"serial {read.serial:X}, good until {read.expires:%Y-%m-%d %H:%M:%S} UTC"
