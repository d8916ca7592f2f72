"""Lets a call in, or refuses it: who calls, what they may, how much; and keeps the record of it."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import grpc
from google.protobuf.message import Message

from scenograph.runtime.interceptors.around import Around, Call, GoOn
from scenograph.runtime.principal import SYSTEM, acting_as
from scenograph.runtime.security.anomalies import Anomalies, Anomaly
from scenograph.runtime.security.auditor import Auditor
from scenograph.runtime.security.authentication import Authenticator
from scenograph.runtime.security.forwarding import decode, received
from scenograph.runtime.security.principals import Identity
from scenograph.runtime.security.quotas import Quotas
from scenograph.runtime.security.rules import RULES, count, rule_of
from scenograph.runtime.security.visit import NO_RULE, Visit
from scenograph.runtime.settings import AnomalySettings
from scenograph.runtime.status import code_of
from scenograph.runtime.telemetry.metrics import Metrics
from scenograph.scene.errors import (
    InvalidInput,
    PermissionDenied,
    QuotaExceeded,
    ScenographError,
    Unauthenticated,
    Unavailable,
)

log = logging.getLogger(__name__)

_REASONS: dict[type[ScenographError], str] = {
    Unauthenticated: "unauthenticated",
    PermissionDenied: "denied",
    QuotaExceeded: "quota",
}


class Guard(Around):
    """Around calls, right inside of what turns errors into a status. The principal is the current one inside.

    A request of one message is checked before anything is done; of a stream, each message as it is read.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        auditor: Auditor,
        anomalies: AnomalySettings,
        metrics: Metrics,
    ) -> None:
        self._authenticator = authenticator
        self._auditor = auditor
        self._metrics = metrics
        self._quotas = Quotas()
        self._anomalies = Anomalies(anomalies, self._tell)

    async def around(self, call: Call, request: Any, go_on: GoOn) -> Any:
        visit = call.visit = Visit(call.method, call.context.peer())
        message = request if isinstance(request, Message) else None
        identity: Identity | None = None
        try:
            try:
                identity = self._enter(call, visit)
                if message is not None:
                    self._allow(visit, message)
            except ScenographError as error:
                await self._refuse(visit, error)
                raise
            assert visit.principal is not None
            await self._auditor.began(visit, message)
            with acting_as(visit.principal):
                return await self._go_on(call, visit, request, go_on)
        finally:
            if identity is not None and visit.rule.counted:
                self._quotas.end(identity.principal.name)

    def check(self, call: Call, request: Message) -> None:
        if call.requests_stream and isinstance(call.visit, Visit):
            self._allow(call.visit, request)
            self._auditor.arrived(call.visit, call.visit.collection, request)

    async def answering(self, call: Call, answer: Any) -> None:
        if isinstance(call.visit, Visit):
            self._given(call.visit, answer)
            await self._auditor.answers(call.visit)

    async def _go_on(self, call: Call, visit: Visit, request: Any, go_on: GoOn) -> Any:
        try:
            answer = await go_on(call, request)
        except PermissionDenied as error:  # of a message in a stream, or of another service
            await self._refuse(visit, error)
            raise
        except BaseException as error:
            with suppress(Unavailable):
                await self._auditor.ended(visit, _code(error))
            raise
        if answer is not None:
            self._given(visit, answer)
        await self._auditor.ended(visit, grpc.StatusCode.OK.name)
        return answer

    def _enter(self, call: Call, visit: Visit) -> Identity:
        """Notes who calls and takes the call in. Errors: Unauthenticated, PermissionDenied, QuotaExceeded."""
        peer = (call.context.auth_context() or {}) if self._authenticator.asks else {}
        identity = self._authenticator.identify(call.metadata, peer)
        visit.principal = identity.principal
        forwarded = received(call.metadata)
        if forwarded is not None and identity.principal.service:
            visit.by = identity.principal.name
            try:
                visit.principal = decode(forwarded)
            except InvalidInput as error:
                raise Unauthenticated(error.message) from error
        elif forwarded is not None:
            self._anomalies.forged(visit.name)
        call.principal = visit.name
        open_to_all = visit.principal is SYSTEM
        visit.rule = RULES.get(call.method, NO_RULE) if open_to_all else rule_of(call.method)
        if visit.rule.counted:
            self._quotas.begin(identity.principal.name, identity.quota)
        if not visit.by and not visit.principal.service:
            self._anomalies.called(visit.name)
        return identity

    def _allow(self, visit: Visit, request: Message) -> None:
        """Errors: PermissionDenied."""
        if visit.rule is not NO_RULE:
            before = visit.collection if visit.rule.empty is None else ""
            visit.collection = visit.rule.named(request) or before
        if visit.principal is not None and visit.principal is not SYSTEM:
            visit.rule.check(visit.principal, visit.collection)

    def _given(self, visit: Visit, answer: Any) -> None:
        """Items went out."""
        items = count(answer, visit.rule.reads)
        visit.read += items
        if items and visit.principal is not None and not visit.by and not visit.principal.service:
            self._anomalies.read(visit.name, items)

    async def _refuse(self, visit: Visit, error: ScenographError) -> None:
        self._metrics.refused.labels(_REASONS.get(type(error), "denied")).inc()
        if isinstance(error, Unauthenticated):
            self._anomalies.login_failed(visit.address)
        await self._auditor.refused(visit, code_of(error).name, error.message)

    def _tell(self, anomaly: Anomaly) -> None:
        who = anomaly.who or "everybody"
        log.warning("%s: %s, %d %s", anomaly.kind, who, anomaly.count, anomaly.what)
        self._metrics.anomalies.labels(anomaly.kind).inc()
        self._auditor.raised(anomaly)


def _code(error: BaseException) -> str:
    """The name of the status that an error becomes."""
    if isinstance(error, ScenographError):
        return code_of(error).name
    if isinstance(error, TimeoutError):
        return grpc.StatusCode.DEADLINE_EXCEEDED.name
    return grpc.StatusCode.INTERNAL.name if isinstance(error, Exception) else grpc.StatusCode.CANCELLED.name
