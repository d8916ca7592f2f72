"""Marks each call with a request id and writes one line about it to the log."""

from __future__ import annotations

import logging
import os
import re
import time
from typing import Any

from opentelemetry.trace import get_current_span

from scenograph.runtime.interceptors.around import Around, Call, GoOn
from scenograph.runtime.interceptors.outcome import Outcome
from scenograph.runtime.logs import request_id
from scenograph.runtime.trailers import add_trailer

log = logging.getLogger("scenograph.access")

REQUEST_ID_KEY = "x-request-id"
_USABLE = re.compile(r"[\x21-\x7e]{1,128}")


class Access(Around):
    """Takes the caller's x-request-id (1 to 128 visible ASCII characters) or makes one, and sends it back."""

    async def around(self, call: Call, request: Any, go_on: GoOn) -> Any:
        sent = call.metadata.get(REQUEST_ID_KEY, "")
        identity = sent if isinstance(sent, str) and _USABLE.fullmatch(sent) else os.urandom(16).hex()
        token = request_id.set(identity)
        get_current_span().set_attribute("scenograph.request_id", identity)
        add_trailer(call.context, REQUEST_ID_KEY, identity)
        start = time.perf_counter()
        try:
            with Outcome(call) as outcome:
                return await go_on(call, request)
        finally:
            milliseconds = round((time.perf_counter() - start) * 1000, 3)
            log.info(
                "%s %s %.1f ms",
                call.method,
                outcome.code,
                milliseconds,
                extra={
                    "method": call.method,
                    "code": outcome.code,
                    "milliseconds": milliseconds,
                    "peer": call.context.peer(),
                    "principal": call.principal,
                },
            )
            request_id.reset(token)
