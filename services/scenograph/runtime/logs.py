"""Log lines: as text for people, as JSON for machines; each carries the ids of the request and the trace that
it belongs to. What is asked for or stored (sentences, images, metadata) is not logged at INFO and above.
"""

from __future__ import annotations

import json
import logging
import time
from contextvars import ContextVar
from datetime import UTC, datetime

from scenograph.runtime.telemetry import spans

request_id: ContextVar[str] = ContextVar("scenograph_request_id", default="")
"""The id of the call being served; empty outside calls."""

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _Ids(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        record.trace_id, record.span_id = spans.ids()
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, request_id, trace_id, span_id, and the fields
    passed as `extra`. Outside calls and traces their ids are empty.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{key: value for key, value in vars(record).items() if key not in _OWN},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """A line for people; the date and the time are written once a second."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s [%(request_id)s] %(message)s")
        self._last = (0, "")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        second, written = self._last
        if second != int(record.created):
            second = int(record.created)
            written = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
            self._last = second, written
        return f"{written},{int(record.msecs):03d}"


def configure_logging(level: str, style: str) -> None:
    """Sends all logs to standard error. `style` is "text" or "json". Called once, in main."""
    handler = logging.StreamHandler()
    handler.addFilter(_Ids())
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    # What no line tells need not be found out for each: where it was written, in which thread and process.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("faiss.loader").setLevel(logging.WARNING)  # it tells at length which build it tries
