"""A config of ghz: its keys, and what they must be."""

from __future__ import annotations

import difflib
import json
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

from scenograph.bench.load.durations import seconds_of
from scenograph.bench.load.files import find_file, with_files
from scenograph.bench.load.schedule import Steps
from scenograph.scene.errors import InvalidInput

Schedule = Literal["const", "step", "line"]
NOT_HERE = {
    "skipTLS": "a certificate is always verified",
    "binary-file": "give data or data-file",
    "stream-call-duration": "use stream-call-count",
    "stream-dynamic-messages": "templates are filled in once a call",
    "debug": "there is no log of each call; --details puts each into the report",
    "cpus": "use --workers",
    "lb-strategy": "use connections",
    "max-recv-message-size": "messages of any size are taken",
    "max-send-message-size": "messages of any size are sent",
    "disable-template-functions": "templates are always filled in",
    "disable-template-data": "templates are always filled in",
}
"""Keys of ghz that have no meaning here, and what to do instead."""


class LoadConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One load on one method. The keys are ghz's, in its units; durations are text such as "10s".

    `rps` 0 means no rate: each of `concurrency` callers calls again as soon as it was answered.
    """

    call: str
    host: str = ""
    proto: str = ""
    import_paths: tuple[str, ...] = ()
    protoset: str = ""
    insecure: bool = False
    cacert: str = ""
    cert: str = ""
    key: str = ""
    cname: str = ""
    authority: str = ""
    total: int = 200
    rps: int = 0
    is_async: bool = msgspec.field(default=False, name="async")
    concurrency: int = 50
    connections: int = 1
    duration: str = ""
    duration_stop: Literal["close", "wait", "ignore"] = "close"
    max_duration: str = ""
    timeout: str = "20s"
    connect_timeout: str = "10s"
    keepalive: str = ""
    enable_compression: bool = False
    load_schedule: Schedule = "const"
    load_start: int = 0
    load_end: int = 0
    load_step: int = 0
    load_step_duration: str = ""
    load_max_duration: str = ""
    concurrency_schedule: Schedule = "const"
    concurrency_start: int = 1
    concurrency_end: int = 0
    concurrency_step: int = 0
    concurrency_step_duration: str = ""
    concurrency_max_duration: str = ""
    data: dict[str, Any] | list[dict[str, Any]] | None = None
    data_file: str = ""
    metadata: dict[str, str] = {}
    metadata_file: str = ""
    reflect_metadata: dict[str, str] = {}
    stream_interval: str = ""
    stream_call_count: int = 0
    skip_first: int = msgspec.field(default=0, name="skipFirst")
    count_errors: bool = False
    name: str = ""
    tags: dict[str, str] = {}
    format: Literal["summary", "json", "pretty", "html"] = "summary"
    output: str = ""

    def seconds(self, key: str) -> float:
        """A duration by its key.  Errors: InvalidInput."""
        return seconds_of(getattr(self, key.replace("-", "_")), key)

    def rates(self) -> Steps | None:
        """Requests a second over time; None where there is no rate.  Errors: InvalidInput."""
        if self.load_schedule == "const":
            return Steps(self.rps) if self.rps else None
        return self._steps("load", self.load_schedule, self.load_start, self.load_step, self.load_end)

    def callers(self) -> Steps:
        """Callers at the same time, over time.  Errors: InvalidInput."""
        if self.concurrency_schedule == "const":
            return Steps(self.concurrency)
        start, step, end = self.concurrency_start, self.concurrency_step, self.concurrency_end
        return self._steps("concurrency", self.concurrency_schedule, start, step, end)

    def _steps(self, what: str, schedule: Schedule, start: int, step: int, end: int) -> Steps:
        every = 1.0 if schedule == "line" else self.seconds(f"{what}-step-duration")
        for key, good in ((f"{what}-start", start > 0), (f"{what}-step", step != 0)):
            if not good:
                raise InvalidInput(f"{key}: a schedule {schedule!r} needs it", field=key)
        if every <= 0:
            key = f"{what}-step-duration"
            raise InvalidInput(f"{key}: a schedule 'step' needs it", field=key)
        return Steps(start, step, every, end, self.seconds(f"{what}-max-duration"))


def read_config(path: Path) -> dict[str, Any]:
    """The keys and values of a config file, JSON or TOML, for `make_config`.

    Data and metadata that it keeps in files of their own are read in; files are looked for in the working
    directory, as ghz does, then beside the config.
    Errors: OSError, InvalidInput (not JSON or TOML).
    """
    try:
        values = tomllib.loads(path.read_text()) if path.suffix == ".toml" else json.loads(path.read_text())
    except ValueError as error:
        raise InvalidInput(f"{path}: {error}") from error
    if not isinstance(values, dict):
        raise InvalidInput(f"{path}: not an object of keys and values")
    for key in ("data-file", "metadata-file"):
        if values.get(key):
            found = find_file(str(values[key]), path.parent)
            values[key] = str(found)
            values[key.removesuffix("-file")] = json.loads(found.read_text())
    for key in ("protoset", "proto", "cacert", "cert", "key"):
        if values.get(key):
            values[key] = str(find_file(str(values[key]), path.parent))
    if isinstance(values.get("data"), dict | list):
        values["data"] = with_files(values["data"], path.parent)
    return values


def make_config(values: dict[str, Any]) -> LoadConfig:
    """A config of keys and values.

    Errors: InvalidInput (an unknown key, a value that cannot be; the message names both).
    """
    known = {field.encode_name for field in msgspec.structs.fields(LoadConfig)}
    for key, value in values.items():
        if key in NOT_HERE:
            raise InvalidInput(
                f"{key} = {value!r}: a key of ghz that is not supported; {NOT_HERE[key]}", field=key
            )
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; is {near[0]!r} meant?" if near else ""
            raise InvalidInput(f"unknown key {key} = {value!r}{hint}", field=key)
    try:
        config = msgspec.convert(values, LoadConfig)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"the config: {error}") from error
    _check(config)
    return config


def _check(config: LoadConfig) -> None:
    least = {
        "total": 1,
        "rps": 0,
        "concurrency": 1,
        "connections": 1,
        "skipFirst": 0,
        "stream-call-count": 0,
        "load-end": 0,
        "concurrency-end": 0,
    }
    for field in msgspec.structs.fields(LoadConfig):
        value = getattr(config, field.name)
        bound = least.get(field.encode_name)
        if bound is not None and value < bound:
            raise InvalidInput(f"{field.encode_name} = {value}: at least {bound}", field=field.encode_name)
    for key in ("duration", "max-duration", "timeout", "connect-timeout", "keepalive", "stream-interval"):
        config.seconds(key)
    config.rates()
    config.callers()
    if config.data == []:
        raise InvalidInput("data: an empty array", field="data")
    if config.format == "summary" and config.output:
        raise InvalidInput("output: needs format json, pretty or html", field="output")
    if config.format == "html" and not config.output:
        raise InvalidInput("format = 'html': needs output, the page's file", field="output")
    if config.insecure and (config.cacert or config.cert):
        raise InvalidInput("insecure: true with certificates", field="insecure")
