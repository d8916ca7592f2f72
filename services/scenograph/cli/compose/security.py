"""What decides who may call a process, made of its settings."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from scenograph.runtime.interceptors.guard import Guard
from scenograph.runtime.security.audit.log import AuditLog
from scenograph.runtime.security.auditor import Auditor
from scenograph.runtime.security.authentication import Authenticator
from scenograph.runtime.security.principals import Quota, parse_principals
from scenograph.runtime.security.tokens import Expected, Tokens, parse_jwks
from scenograph.runtime.security.watched import Watched, keep_fresh
from scenograph.runtime.settings import SecuritySettings, Settings
from scenograph.runtime.telemetry.metrics import Metrics
from scenograph.scene.errors import InvalidInput

log = logging.getLogger(__name__)


def make_guard(settings: Settings, metrics: Metrics, closing: AsyncExitStack) -> Guard:
    """The guard of a process; its files are watched until `closing` is left. Made in an event loop.

    Errors: InvalidInput (a file cannot be read or is wrong), FailedPrecondition (the audit log is in use).
    """
    chosen = settings.security
    principals = Watched(Path(chosen.principals), parse_principals) if chosen.principals else None
    keys = Watched(Path(chosen.jwt_jwks), parse_jwks) if chosen.jwt_jwks else None
    tokens = None
    if keys is not None:
        expected = Expected(chosen.jwt_issuer, chosen.jwt_audience, chosen.jwt_leeway_s)
        quota = Quota(calls_per_s=chosen.jwt_calls_per_s, concurrent=chosen.jwt_concurrent)
        tokens = Tokens(keys, expected, quota)
    own = service_key(chosen)
    authenticator = Authenticator(principals, tokens, service_key=own)
    if own and not authenticator.asks:
        log.warning("there is a service key, but neither principals nor tokens: nobody is asked who calls")
    watched: list[Watched[Any]] = [file for file in (principals, keys) if file is not None]
    if watched:
        _until(closing, asyncio.create_task(keep_fresh(watched), name="security files"))
    audit = None
    if settings.audit.file:
        audit = AuditLog(Path(settings.audit.file), metrics)
        closing.push_async_callback(asyncio.to_thread, audit.close)
    return Guard(authenticator, Auditor(audit), settings.anomalies, metrics)


def service_key(settings: SecuritySettings) -> str:
    """The key that scenograph's own processes share; empty where there is none. Errors: InvalidInput."""
    if not settings.service_key_file:
        return settings.service_key.get_secret_value()
    try:
        return Path(settings.service_key_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"security.service_key_file {settings.service_key_file}: {error}") from error


def _until(closing: AsyncExitStack, task: asyncio.Task[None]) -> None:
    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    closing.push_async_callback(end)
