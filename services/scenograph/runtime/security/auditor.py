"""What of a call goes into the audit log, and when: changes before they are done, all else at its end."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from itertools import islice
from typing import Any

from google.protobuf.message import Message

from scenograph.runtime.logs import request_id
from scenograph.runtime.security.anomalies import Anomaly
from scenograph.runtime.security.audit.chain import utc_now
from scenograph.runtime.security.audit.log import AuditLog
from scenograph.runtime.security.rules import values
from scenograph.runtime.security.visit import Visit
from scenograph.scene.errors import Unavailable

IDS = 100
"""Ids of items in one line; their number is told in any case."""


class Auditor:
    """Does nothing without a log. Errors: Unavailable, where the log cannot be written."""

    def __init__(self, log: AuditLog | None = None) -> None:
        self._log = log
        # A digest that tells equal queries of this process apart from others, and cannot be guessed back.
        self._salt = os.urandom(16)

    async def began(self, visit: Visit, request: Message | None) -> None:
        """A call may go on: one that changes something is on disk when this returns."""
        if self._log is None:
            return
        if request is not None:
            self._describe(visit, request)
        if visit.rule.changes:
            await _on_disk(self._log.record(self._line("begin", visit)))

    def arrived(self, visit: Visit, collection: str, message: Message) -> None:
        """A message of a stream may be handled."""
        if self._log is None or not visit.rule.changes:
            return
        about: dict[str, Any] = {"collection": collection}
        if visit.rule.ids:
            about |= _items(message, visit.rule.ids)
        visit.pending = self._log.record(self._line("item", visit, about))

    async def answers(self, visit: Visit) -> None:
        """A message of a stream's answer is about to go out: what came in until now is on disk."""
        pending, visit.pending = visit.pending, None
        if pending is not None:
            await _on_disk(pending)

    async def ended(self, visit: Visit, code: str) -> None:
        """A call's answer is about to go out."""
        if self._log is None:
            return
        more = {"code": code, **({"read": visit.read} if visit.read else {})}
        if visit.rule.changes:
            await _on_disk(self._log.record(self._line("end", visit, more)))
        else:
            self._log.note(self._line("call", visit, more))

    async def refused(self, visit: Visit, code: str, why: str) -> None:
        """A call was refused for who made it."""
        if self._log is not None:
            await _on_disk(self._log.record(self._line("refused", visit, {"code": code, "why": why})))

    def raised(self, anomaly: Anomaly) -> None:
        """An alarm."""
        if self._log is not None:
            about = {"kind": anomaly.kind, "who": anomaly.who, "count": anomaly.count, "what": anomaly.what}
            with suppress(Unavailable):  # the log line and the metric tell of it
                self._log.record({"time": utc_now(), "event": "anomaly", **about})

    def _describe(self, visit: Visit, request: Message) -> None:
        if visit.rule.ids:
            visit.about = _items(request, visit.rule.ids)
        if visit.rule.content:
            written = request.SerializeToString(deterministic=True)
            visit.about["query"] = hashlib.blake2b(written, key=self._salt, digest_size=16).hexdigest()

    def _line(self, event: str, visit: Visit, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return {
            "time": utc_now(),
            "event": event,
            "principal": visit.name,
            **({"by": visit.by} if visit.by else {}),
            "peer": visit.peer,
            "method": visit.method,
            **({"collection": visit.collection} if visit.collection else {}),
            **visit.about,
            **(more or {}),
            "request_id": request_id.get(),
        }


def _items(request: Message, path: str) -> dict[str, Any]:
    ids = list(values(request, path))
    return {"items": [str(each) for each in islice(ids, IDS)], "count": len(ids)}


async def _on_disk(done: Future[None]) -> None:
    await asyncio.wrap_future(done)
