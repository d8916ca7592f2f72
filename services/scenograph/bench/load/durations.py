"""Durations as ghz's configs write them: "300ms", "1m30s"."""

from __future__ import annotations

import re

from scenograph.scene.errors import InvalidInput

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


def seconds_of(text: str, key: str) -> float:
    """Seconds of a duration in Go's notation; 0 for "" and "0".  Errors: InvalidInput, naming the key."""
    if text in {"", "0"}:
        return 0.0
    parts = _PART.findall(text)
    if "".join(number + unit for number, unit in parts) != text:
        raise InvalidInput(
            f'{key}: {text!r} is no duration; write it as "500ms", "10s" or "1m30s"', field=key
        )
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
