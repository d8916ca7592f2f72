"""The principals file: what it says, what is wrong with it, and that it is read again."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from scenograph.runtime.principal import Principal, Role
from scenograph.runtime.security import forwarding
from scenograph.runtime.security.keys import KEY_PREFIX, key_digest, new_key
from scenograph.runtime.security.principals import Quota, parse_principals
from scenograph.runtime.security.watched import Watched, keep_fresh
from scenograph.scene.errors import InvalidInput

DIGESTS = [key_digest(f"sg_{letter}") for letter in "abc"]
FILE = f"""
[[principal]]
name = "web"
key_sha256 = ["{DIGESTS[0]}", "{DIGESTS[1]}"]
certificate = ["web.example"]
roles = {{photos = "writer", "*" = "reader"}}
labels = ["staff", "press"]
quota = {{calls_per_s = 2.5, burst = 10, concurrent = 3}}

[[principal]]
name = "gateway"
key_sha256 = ["{DIGESTS[2]}"]
roles = {{"*" = "admin"}}
labels = "*"
service = true
"""


def test_what_a_file_says() -> None:
    known = parse_principals(FILE)
    web = known.by_key[DIGESTS[0]]
    assert known.by_key[DIGESTS[1]] is web and known.by_certificate == {"web.example": web}
    assert (web.principal.role_in("photos"), web.principal.role_in("other")) == (Role.WRITER, Role.READER)
    assert web.principal.labels == frozenset(("staff", "press")) and not web.principal.service
    assert web.quota == Quota(calls_per_s=2.5, burst=10, concurrent=3)
    gateway = known.by_key[DIGESTS[2]].principal
    assert gateway.labels is None and gateway.service and gateway.role_in("any") is Role.ADMIN


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[principal", "not TOML"),
        ("[[principals]]", "principals: Extra inputs"),
        ('[[principal]]\nname = "a b"', "principal.0.name"),
        ('[[principal]]\nname = "a"', "neither key_sha256 nor certificate"),
        ('[[principal]]\nname = "system"\ncertificate = ["x"]', "scenograph's own"),
        ('[[principal]]\nname = "a"\nkey_sha256 = ["sg_secret"]', "principal.0.key_sha256.0"),
        ('[[principal]]\nname = "a"\ncertificate = ["x"]\nroles = {p = "owner"}', "principal.0.roles.p"),
        ('[[principal]]\nname = "a"\ncertificate = ["x"]\nlabels = "staff"', "principal.0.labels"),
        ('[[principal]]\nname = "a"\ncertificate = ["x"]\nquota = {concurrent = -1}', "quota.concurrent"),
        (FILE + FILE.replace("web", "other"), "two principals have the name gateway"),
        (FILE + FILE.replace('"gateway"', '"b"').replace('"web"', '"c"'), "two principals have the key_sha"),
    ],
)
def test_what_is_wrong_is_told(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_principals(text)


def test_more_than_fits_a_call_is_refused() -> None:
    labels = ", ".join(f'"{os.urandom(24).hex()}"' for _ in range(400))
    with pytest.raises(InvalidInput, match="at most 4096 fit a call"):
        parse_principals(f'[[principal]]\nname = "a"\ncertificate = ["x"]\nlabels = [{labels}]')


def test_keys() -> None:
    first, second = new_key(), new_key()
    assert first != second and first.startswith(KEY_PREFIX) and len(first) > 40
    assert key_digest("sg_a") == "a4fac2e56d1e931955f6577632fc8cbedcb7df43313da1b44c509d0566e9eea4"


def test_a_changed_file_is_read_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "principals.toml"
    path.write_text(FILE)
    watched = Watched(path, parse_principals)
    good = watched.value
    assert not watched.refresh() and watched.value is good
    path.write_text(FILE + "nonsense = 1")
    assert not watched.refresh() and watched.value is good
    assert "what it said before stays in force" in caplog.text and "nonsense" in caplog.text
    path.unlink()
    assert not watched.refresh() and watched.value is good
    new = tmp_path / "new.toml"
    new.write_text(FILE.replace("web.example", "www.example"))
    new.rename(path)  # as a mounted secret changes
    assert watched.refresh() and list(watched.value.by_certificate) == ["www.example"]


def test_a_file_must_be_there_and_good_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"absent.toml: No such file"):
        Watched(tmp_path / "absent.toml", parse_principals)
    (tmp_path / "bad.toml").write_text("x = 1")
    with pytest.raises(InvalidInput, match=r"bad.toml: x: Extra"):
        Watched(tmp_path / "bad.toml", parse_principals)


async def test_files_are_looked_at_in_the_background(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    seen, loop = asyncio.Event(), asyncio.get_running_loop()

    def parse(text: str) -> str:
        if text == "another":
            loop.call_soon_threadsafe(seen.set)
        return text

    watched = Watched(path, parse)
    task = asyncio.create_task(keep_fresh([watched], 0.01))
    path.write_text("another")
    await asyncio.wait_for(seen.wait(), 10)
    task.cancel()


def test_a_principal_comes_over_as_it_was() -> None:
    for labels in (None, frozenset[str](), frozenset(("a", "é"))):
        principal = Principal("web", {"photos": Role.WRITER, "*": Role.NONE}, labels)
        assert forwarding.decode(forwarding.encode(principal)) == principal
    service = Principal("gateway", {"*": Role.ADMIN}, None, service=True)
    assert not forwarding.decode(forwarding.encode(service)).service
    for bad in (b"", b"x", forwarding.encode(principal)[:-9], b'{"name": 1}'):
        with pytest.raises(InvalidInput):
            forwarding.decode(bad)
