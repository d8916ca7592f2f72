"""Large images, sent in chunks ahead of the request that uses them, kept in files for a while."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import re
import secrets
import time
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from cryptography.exceptions import InvalidTag

from scenograph.gateway.answers import Upload
from scenograph.gateway.limits import MAX_CHUNK_BYTES, Limits
from scenograph.gateway.requests import ImageSource, QueryPart
from scenograph.gateway.spool import Spool
from scenograph.runtime import principal
from scenograph.scene.errors import DiskFull, ImageTooLarge, InvalidInput, ResourceExhausted, UploadNotFound

_ID = re.compile(r"[A-Za-z0-9_-]{32}")
_PARTIAL = ".part"
_USED = ".used-"

Owner: TypeAlias = tuple[str, str]  # a collection, and an item of it


class Uploads:
    """Finished uploads in `folder`, each used up by the first request that succeeds, forgotten after a
    time.

    An upload belongs to the principal who made it: its file's name is a digest of the two, so that its id
    finds nothing for anybody else. A request with a request_id leaves `<name>.used-<digest>` behind instead
    of nothing, so that its repetition still finds the image. With keys, newest first, files are encrypted.
    Errors: UploadNotFound, ImageTooLarge, DiskFull.
    """

    def __init__(self, folder: Path, limits: Limits, keys: Sequence[bytes] = ()) -> None:
        self._folder = folder
        self._limits = limits
        self._spool = Spool(keys)
        self._arriving = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._sweep()

    async def receive(self, chunks: AsyncIterator[bytes]) -> Upload:
        """Keeps an image that arrives in chunks; a call that breaks off leaves nothing behind."""
        upload_id = secrets.token_urlsafe(24)
        name = _file_name(upload_id)
        partial = self._folder / (name + _PARTIAL)
        stored = await asyncio.to_thread(self._sweep)
        size = 0
        try:
            async for chunk in chunks:
                self._check(chunk, size, stored)
                part = self._spool.part(upload_id, size, chunk)
                size += len(chunk)
                self._arriving += len(chunk)
                await asyncio.to_thread(_append, partial, part)
            if not size:
                raise InvalidInput("the upload is empty", field="chunk")
            await asyncio.to_thread(partial.rename, self._folder / name)
        finally:
            self._arriving -= size
            partial.unlink(missing_ok=True)
        expires = datetime.fromtimestamp(time.time() + self._limits.upload_ttl_s, UTC)
        return Upload(upload_id, size, expires)

    async def read(
        self, upload_id: str, *, request_id: str = "", item: Owner = ("", ""), field: str = "image.upload_id"
    ) -> bytes:
        """The uploaded file, for an item of a collection that it is to belong to."""
        return await asyncio.to_thread(self._read, upload_id, request_id, item, field)

    async def resolve(self, parts: Sequence[QueryPart]) -> tuple[QueryPart, ...]:
        """The query's parts with the uploads' bytes in their places."""
        resolved = []
        for position, part in enumerate(parts):
            if isinstance(part.source, ImageSource) and part.source.upload_id:
                field = f"query.parts[{position}].image.upload_id"
                content = await self.read(part.source.upload_id, field=field)
                part = replace(part, source=ImageSource(content=content))
            resolved.append(part)
        return tuple(resolved)

    async def use_up(
        self, upload_ids: Sequence[str], *, request_id: str = "", item: Owner = ("", "")
    ) -> None:
        """Takes note that a request that used these uploads, for an item of a collection, has succeeded."""
        if upload_ids:
            await asyncio.to_thread(self._use_up, upload_ids, request_id, item)

    async def erase(self, collection: str, ids: Collection[str] | None) -> None:
        """Removes what is left of uploads that became items, these or all of a collection."""
        await asyncio.to_thread(self._erase, collection, ids)

    def _read(self, upload_id: str, request_id: str, item: Owner, field: str) -> bytes:
        if _ID.fullmatch(upload_id):
            own = _file_name(upload_id)
            names = [own] + ([_used_name(own, request_id, item)] if request_id else [])
            for path in (self._folder / name for name in names):
                try:
                    if path.stat().st_mtime + self._limits.upload_ttl_s > time.time():
                        return self._spool.whole(upload_id, path.read_bytes())
                except (FileNotFoundError, InvalidTag):
                    continue
        raise UploadNotFound(
            "no finished upload of that id: never made, used up, or expired", metadata={"field": field}
        )

    def _use_up(self, upload_ids: Sequence[str], request_id: str, item: Owner) -> None:
        for upload_id in upload_ids:
            own = _file_name(upload_id)
            path = self._folder / own
            try:
                if request_id:
                    path.rename(self._folder / _used_name(own, request_id, item))
                else:
                    path.unlink()
            except FileNotFoundError:
                continue

    def _erase(self, collection: str, ids: Collection[str] | None) -> None:
        owned = None if ids is None else {_short(item) for item in ids}
        for path in self._folder.glob(f"*{_USED}*.{_short(collection)}.*"):
            if owned is None or path.suffix.removeprefix(".") in owned:
                path.unlink(missing_ok=True)

    def _check(self, chunk: bytes, size: int, stored: int) -> None:
        if len(chunk) > MAX_CHUNK_BYTES:
            raise InvalidInput(
                f"a chunk of {len(chunk)} bytes; at most {MAX_CHUNK_BYTES} are allowed", field="chunk"
            )
        if size + len(chunk) > self._limits.max_upload_bytes:
            raise ImageTooLarge(
                f"the upload has more than {self._limits.max_upload_bytes} bytes", field="chunk"
            )
        if stored + self._arriving + len(chunk) > self._limits.max_uploads_bytes:
            raise ResourceExhausted("too many uploads wait to be used", retry_after_s=60.0)

    def _sweep(self) -> int:
        """Removes what has expired; the bytes of what stays, half-arrived files aside.

        Of those too only what expired: this or another process may be receiving the rest.
        """
        total = 0
        for path in self._folder.iterdir():
            try:
                status = path.stat()
                if status.st_mtime + self._limits.upload_ttl_s <= time.time():
                    path.unlink()
                elif path.suffix != _PARTIAL:
                    total += status.st_size
            except FileNotFoundError:
                continue
        return total


def _file_name(upload_id: str) -> str:
    """Of an upload of whoever calls now."""
    return hashlib.sha256(f"{principal.current().name}\n{upload_id}".encode()).hexdigest()[:48]


def _used_name(name: str, request_id: str, item: Owner) -> str:
    return name + _USED + ".".join(map(_short, (request_id, *item)))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _append(path: Path, chunk: bytes) -> None:
    with _disk_full(), path.open("ab") as file:
        file.write(chunk)


@contextmanager
def _disk_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull("no space left for the upload", retry_after_s=60.0) from error
        raise
