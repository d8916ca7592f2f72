"""Turns whatever a call raises into a gRPC status; the only place that ends a call with an error."""

from __future__ import annotations

import logging
import uuid
from typing import Any

import grpc

from scenograph.runtime.interceptors.around import Around, Call, GoOn
from scenograph.runtime.status import DETAILS_KEY, code_of, to_status
from scenograph.runtime.trailers import trailers
from scenograph.scene.errors import DeadlineExceeded, Internal, ScenographError

log = logging.getLogger(__name__)


class Errors(Around):
    """Domain errors keep their words. Anything else is INTERNAL with an id; the log says what it was."""

    async def around(self, call: Call, request: Any, go_on: GoOn) -> Any:
        try:
            return await go_on(call, request)
        except grpc.aio.AbortError:
            raise
        except ScenographError as error:
            await _abort(call, error)
        except TimeoutError:
            await _abort(call, DeadlineExceeded("the request's time ran out"))
        except Exception:
            error_id = uuid.uuid4().hex
            log.exception("call failed", extra={"method": call.method, "error_id": error_id})
            await _abort(call, Internal("internal error", metadata={"error_id": error_id}))


async def _abort(call: Call, error: ScenographError) -> None:
    status = to_status(error)
    details = (DETAILS_KEY, status.SerializeToString())
    await call.context.abort(code_of(error), status.message, (*trailers(call.context), details))
