"""Certificates in files: what is refused, and what happens when the files change."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.authority import Authority

from scenograph.runtime.certificates import CertificateFiles
from scenograph.runtime.settings import load_settings
from scenograph.scene.errors import InvalidInput


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_what_cannot_be_used_is_told_by_setting_and_file(authority: Authority, tmp_path: Path) -> None:
    pair, other = authority.issue("server"), authority.issue("other")
    expired = authority.issue("expired", good_for=timedelta(seconds=-1))
    noise = tmp_path / "noise"
    noise.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
    good, key = str(pair.certificate), str(pair.key)
    for certificate, its_key, authorities, told in (
        ("/nowhere.pem", key, "", "tls.certificate: /nowhere.pem: No such file or directory"),
        (good, "/nowhere.key", "", "tls.key: /nowhere.key: No such file or directory"),
        (good, str(tmp_path), "", "tls.key: .* Is a directory"),
        (good, str(other.key), "", "tls.key: .*other.key is not the key of .*server.pem"),
        (good, good, "", "tls.key: .*server.pem holds no private key"),
        (str(noise), key, "", "tls.certificate: .*noise holds no certificate"),
        (key, key, "", "tls.certificate: .*server.key holds no certificate"),
        (good, key, str(noise), "tls.ca: .*noise holds no certificate"),
        (str(expired.certificate), str(expired.key), "", "tls.certificate: .*expired.pem expired at 20"),
    ):
        with pytest.raises(InvalidInput, match=told):
            CertificateFiles(certificate, its_key, authorities)


def test_a_new_pair_is_read_and_a_bad_one_is_not(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    pair = authority.issue("server")
    files = CertificateFiles(str(pair.certificate), str(pair.key), str(authority.file))
    first = files.current()
    assert first.serial == pair.serial and files.current() is first
    assert first.expires is not None and first.expires > datetime.now(UTC)

    caplog.set_level(logging.INFO)
    second = authority.issue("second")
    kept = pair.key.read_bytes()
    pair.replace_by(second)
    pair.key.write_bytes(kept)  # the moment between the two files
    assert files.current() is first and files.current() is first
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) == 1 and "keeping the certificates" in told[0].message
    assert "is not the key" in told[0].message

    pair.replace_by(second)
    assert files.current().serial == second.serial
    pair.key.unlink()
    assert files.current().serial == second.serial
    pair.replace_by(authority.issue("expired", good_for=timedelta(seconds=-1)))
    assert files.current().serial == second.serial
    assert "expired at" in caplog.records[-1].message


def test_links_are_followed_as_they_are_switched(authority: Authority, tmp_path: Path) -> None:
    """Kubernetes replaces the folder of a secret by switching a link."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    pairs = [Authority(tmp_path / name).issue("server") for name in ("one", "two")]
    link = tmp_path / "data"
    link.symlink_to(tmp_path / "one")
    files = CertificateFiles(str(link / "server.pem"), str(link / "server.key"))
    assert files.current().serial == pairs[0].serial
    fresh = tmp_path / "fresh"
    fresh.symlink_to(tmp_path / "two")
    fresh.rename(link)
    assert files.current().serial == pairs[1].serial


@pytest.mark.parametrize(
    ("tls", "told"),
    [
        ({"certificate": "a"}, "tls.certificate and tls.key go together"),
        ({"key": "a"}, "tls.certificate and tls.key go together"),
        ({"client_ca": "a"}, "tls.client_ca asks for tls.certificate"),
        ({"certificate": "a", "key": "b", "client_ca": "system"}, "tls.client_ca is a file"),
        ({"server_name": "a"}, "tls.server_name asks for tls.ca"),
    ],
)
def test_settings_that_lack_their_other_half(tls: dict[str, str], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        load_settings(tls=tls)


def test_metrics_over_https_ask_for_a_certificate() -> None:
    with pytest.raises(InvalidInput, match=r"metrics\.tls asks for tls\.certificate"):
        load_settings(metrics={"tls": True})
