"""Uploads: whole or not there, used once, forgotten in time, bounded."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scenograph.gateway.limits import MAX_CHUNK_BYTES, Limits
from scenograph.gateway.requests import ImageSource, QueryPart, TextSource
from scenograph.gateway.uploads import Uploads
from scenograph.runtime.principal import SYSTEM, Principal, Role, acting_as
from scenograph.scene.errors import DiskFull, ImageTooLarge, InvalidInput, ResourceExhausted, UploadNotFound


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_an_upload_is_read_back_whole_until_it_is_used_up(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, Limits())
    upload = await uploads.receive(chunks(b"one ", b"two"))
    assert upload.bytes == 7
    assert await uploads.read(upload.id) == b"one two"
    assert await uploads.read(upload.id) == b"one two"
    await uploads.use_up([upload.id])
    with pytest.raises(UploadNotFound):
        await uploads.read(upload.id)
    await uploads.use_up([upload.id])


async def test_a_repetition_finds_the_upload_that_its_first_try_used_up(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, Limits())
    upload = await uploads.receive(chunks(b"image"))
    await uploads.use_up([upload.id], request_id="again")
    assert await uploads.read(upload.id, request_id="again") == b"image"
    for other in ("", "other"):
        with pytest.raises(UploadNotFound):
            await uploads.read(upload.id, request_id=other)


@pytest.mark.parametrize(
    "upload_id", ["", "x", "../../etc/passwd", "a" * 32, "a" * 31 + "/", "a" * 32 + ".part"]
)
async def test_no_other_id_finds_anything(tmp_path: Path, upload_id: str) -> None:
    uploads = Uploads(tmp_path / "uploads", Limits())
    (tmp_path / ("a" * 32 + ".part")).write_bytes(b"half")
    with pytest.raises(UploadNotFound):
        await uploads.read(upload_id)


async def test_uploads_are_forgotten_after_a_time(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, Limits(upload_ttl_s=60))
    upload = await uploads.receive(chunks(b"image"))
    (file,) = files(tmp_path)
    past = time.time() - 61
    os.utime(file, (past, past))
    with pytest.raises(UploadNotFound):
        await uploads.read(upload.id)
    await uploads.receive(chunks(b"another"))
    assert not file.exists() and len(files(tmp_path)) == 1


async def test_an_upload_is_there_for_whoever_made_it_alone(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, Limits())
    with acting_as(Principal("alice", {"photos": Role.WRITER})):
        upload = await uploads.receive(chunks(b"image"))
    for other in (Principal("bob", {"*": Role.ADMIN}), SYSTEM):
        with acting_as(other):
            with pytest.raises(UploadNotFound):
                await uploads.read(upload.id)
            await uploads.use_up([upload.id])
    with acting_as(Principal("alice")):
        assert await uploads.read(upload.id) == b"image"
        await uploads.use_up([upload.id], request_id="again")
        assert await uploads.read(upload.id, request_id="again") == b"image"
    with acting_as(Principal("bob")), pytest.raises(UploadNotFound):
        await uploads.read(upload.id, request_id="again")


async def test_limits(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, Limits(max_upload_bytes=10, max_uploads_bytes=15))
    with pytest.raises(ImageTooLarge):
        await uploads.receive(chunks(b"123456", b"12345"))
    with pytest.raises(InvalidInput, match="empty"):
        await uploads.receive(chunks())
    with pytest.raises(InvalidInput, match="chunk"):
        await uploads.receive(chunks(bytes(MAX_CHUNK_BYTES + 1)))
    await uploads.receive(chunks(b"1234567890"))
    with pytest.raises(ResourceExhausted) as caught:
        await uploads.receive(chunks(b"123456"))
    assert caught.value.retry_after_s
    assert len(files(tmp_path)) == 1, "refused uploads leave nothing behind"


async def test_a_broken_upload_leaves_nothing_behind(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await Uploads(tmp_path, Limits()).receive(broken())
    assert not files(tmp_path)


async def test_half_uploads_of_a_crash_are_removed_once_expired(tmp_path: Path) -> None:
    old, arriving = (tmp_path / (letter * 32 + ".part") for letter in "ab")
    for path in (old, arriving):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    Uploads(tmp_path, Limits())
    assert files(tmp_path) == [arriving]  # another process may be receiving it


async def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FullDisk(type(tmp_path)):  # type: ignore[misc]
        def open(self, *_: object, **__: object) -> object:
            raise OSError(errno.ENOSPC, "No space left on device")

    uploads = Uploads(FullDisk(tmp_path), Limits())
    with pytest.raises(DiskFull):
        await uploads.receive(chunks(b"image"))
    assert not files(tmp_path)


async def test_parts_of_a_query_get_the_bytes_of_their_uploads(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, Limits())
    upload = await uploads.receive(chunks(b"image"))
    parts = (QueryPart(TextSource("dog")), QueryPart(ImageSource(upload_id=upload.id), 2.0))
    assert await uploads.resolve(parts) == (parts[0], QueryPart(ImageSource(b"image"), 2.0))
    await uploads.use_up([upload.id])
    with pytest.raises(UploadNotFound) as caught:
        await uploads.resolve(parts)
    assert caught.value.metadata["field"] == "query.parts[1].image.upload_id"
