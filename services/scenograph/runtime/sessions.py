"""A pack's ONNX models, run off the event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec, TypeAlias, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from scenograph.packs import Pack, self_check
from scenograph.packs.ort import ort
from scenograph.runtime.sharing import Shared
from scenograph.runtime.telemetry.metrics import UNREAD, Metrics
from scenograph.runtime.telemetry.spans import span
from scenograph.scene.errors import PackCorrupt

Arrays: TypeAlias = Mapping[str, NDArray[Any]]
P = ParamSpec("P")
T = TypeVar("T")

_queued: ContextVar[float] = ContextVar("scenograph_queued", default=0.0)  # seconds that this work waited


class Workers:
    """The threads that all blocking work of a process runs on, and the sessions that its packs have alike.

    `threads`: ONNX Runtime threads of one run. `count`: how many runs (or decodes) may go on at once.
    """

    def __init__(self, *, threads: int = 1, count: int = 2) -> None:
        self.threads = threads
        self.count = count
        self.executor = ThreadPoolExecutor(count, thread_name_prefix="scenograph-model")
        self.sessions: Shared[str, ort.InferenceSession] = Shared()
        """By the SHA-256 of the model's file."""

    def close(self) -> None:
        """Let running work end, drop what waits."""
        self.executor.shutdown(wait=True, cancel_futures=True)


class Sessions:
    """ONNX Runtime sessions of one pack, made once each, and run by a crew of workers.

    Packs of one crew share the sessions of model files that they have alike. Without a crew it gets its own,
    of `threads` and `workers`.
    """

    def __init__(
        self,
        pack: Pack,
        *,
        threads: int = 1,
        workers: int = 2,
        crew: Workers | None = None,
        metrics: Metrics = UNREAD,
    ) -> None:
        self._own = crew is None
        crew = crew or Workers(threads=threads, count=workers)
        self.pack = pack
        self.metrics = metrics
        self.executor = crew.executor
        self.workers = crew.count
        self._crew = crew
        self._lock = threading.Lock()
        self._made: dict[str, ort.InferenceSession] = {}
        self._waits = metrics.queue_seconds.labels("workers")

    def load(self, models: Collection[str]) -> None:
        """Make the sessions of `models` now (blocking).  Errors: PackCorrupt (missing, or does not load)."""
        for model in models:
            self.session(model)

    def check(self, models: Collection[str]) -> None:
        """Compare `models` with the pack's recorded answers (blocking); warms them up too.

        Errors: PackCorrupt.
        """
        chosen = {name: model for name, model in self.pack.manifest.models.items() if name in models}
        manifest = msgspec.structs.replace(self.pack.manifest, models=chosen)
        self_check(replace(self.pack, manifest=manifest), self._infer)

    def session(self, model: str) -> ort.InferenceSession:
        """The session of a model, made on first use (blocking)."""
        made = self._made.get(model)
        if made is not None:
            return made
        with self._lock:
            if model not in self._made:
                path = self.pack.model_path(model)
                self._made[model] = self._crew.sessions.hold(
                    self._digest(model), lambda: open_session(path, threads=self._crew.threads)
                )
            return self._made[model]

    def infer(self, model: str, feeds: Arrays) -> dict[str, NDArray[Any]]:
        """Run a model here and now (blocking): input name -> array, output name -> array."""
        rows = len(next(iter(feeds.values())))
        start = time.perf_counter()
        with span(
            f"run {model}", {"scenograph.batch.rows": rows, "scenograph.queue_ms": _queued.get() * 1e3}
        ):
            answer = self._infer(model, feeds)
        self.metrics.model_seconds.labels(model).observe(time.perf_counter() - start)
        self.metrics.model_rows.labels(model).observe(rows)
        return answer

    def _infer(self, model: str, feeds: Arrays) -> dict[str, NDArray[Any]]:
        session = self.session(model)
        names = [output.name for output in session.get_outputs()]
        values = session.run(names, {name: np.ascontiguousarray(value) for name, value in feeds.items()})
        return {name: np.asarray(value) for name, value in zip(names, values, strict=True)}

    async def run(self, model: str, feeds: Arrays) -> dict[str, NDArray[Any]]:
        """Run a model on a worker thread."""
        return await self.offload(self.infer, model, feeds)

    async def offload(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call any blocking function on a worker thread; what it adds to the caller's trace lies there."""
        asked, context = time.perf_counter(), copy_context()

        def work() -> T:
            waited = time.perf_counter() - asked
            self._waits.observe(waited)
            context.run(_queued.set, waited)
            return context.run(function, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self.executor, work)

    def close(self) -> None:
        """Frees the sessions; with a crew of its own, lets running work end first and drops what waits."""
        if self._own:
            self._crew.close()
        with self._lock:
            for model in self._made:
                self._crew.sessions.release(self._digest(model))
            self._made.clear()

    def _digest(self, model: str) -> str:
        manifest = self.pack.manifest
        return manifest.files[manifest.models[model].file]


def open_session(path: Path, *, threads: int = 1) -> ort.InferenceSession:
    """An ONNX Runtime session on the CPU.  Errors: PackCorrupt (not a model that this runtime can load)."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the services share the cores
    try:
        return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no base class
        raise PackCorrupt(f"cannot load {path.name}: {error}") from error
