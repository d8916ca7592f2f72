"""What can be run: the pack's ONNX models, rows of concurrent calls together, and others like them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from scenograph.inference.tensors import Array, Arrays, TensorInfo, datatype_of
from scenograph.packs.manifest import TensorSpec
from scenograph.runtime.batcher import Batcher
from scenograph.runtime.sessions import Sessions
from scenograph.scene.errors import InvalidInput

log = logging.getLogger(__name__)

BATCH = "batch"
_ERROR_CHARS = 300


class Servable(Protocol):
    """A model by name. `needs` are the pack's models that it runs, itself where it is one."""

    @property
    def name(self) -> str: ...

    @property
    def platform(self) -> str: ...

    @property
    def inputs(self) -> Sequence[TensorInfo]: ...

    @property
    def outputs(self) -> Sequence[TensorInfo]: ...

    @property
    def needs(self) -> Sequence[str]: ...

    async def infer(self, feeds: Arrays) -> Arrays:
        """Outputs by name, of inputs that `check_feeds` let pass.  Errors: InvalidInput, QueueFull."""
        ...


class OnnxModel:
    """A model of the pack, run as it is.

    Where all its tensors begin with "batch", the rows of concurrent calls run together where their shapes
    agree, `max_rows` at a time; other models run call by call. `max_queue`: rows (or calls) that may wait.
    """

    platform = "onnxruntime_onnx"

    def __init__(
        self, name: str, sessions: Sessions, *, max_rows: int, max_queue: int, wait_s: float = 0.0
    ) -> None:
        model = sessions.pack.manifest.models[name]
        self.name = name
        self.inputs = [_info(spec) for spec in model.inputs]
        self.outputs = [_info(spec) for spec in model.outputs]
        self.needs = (name,)
        self._sessions = sessions
        self._by_row = all(info.shape[:1] == (BATCH,) for info in (*self.inputs, *self.outputs))
        self._batcher = Batcher(
            self._run_rows if self._by_row else self._run_calls,
            sessions.executor,
            max_rows=max_rows if self._by_row else 1,
            wait_s=wait_s,
            max_queue=max_queue,
            parallel=sessions.workers,
        )

    async def infer(self, feeds: Arrays) -> Arrays:
        """Outputs by name.  Errors: InvalidInput (values that the model cannot run on), QueueFull."""
        if not self._by_row:
            (answer,) = await self._batcher.submit([feeds])
            return _sound(answer)
        count = len(feeds[self.inputs[0].name])
        rows = [{name: feed[row] for name, feed in feeds.items()} for row in range(count)]
        answers = [_sound(answer) for answer in await self._batcher.submit(rows)]
        return {info.name: np.stack([answer[info.name] for answer in answers]) for info in self.outputs}

    def _run_calls(self, calls: list[Arrays]) -> list[Arrays | InvalidInput]:
        return [self._try(call) for call in calls]

    def _run_rows(self, rows: list[Arrays]) -> list[Arrays | InvalidInput]:
        groups: dict[tuple[tuple[int, ...], ...], list[int]] = {}
        for place, row in enumerate(rows):
            groups.setdefault(tuple(row[info.name].shape for info in self.inputs), []).append(place)
        answers: dict[int, Arrays | InvalidInput] = {}
        for places in groups.values():
            answers |= zip(places, self._run_alike([rows[place] for place in places]), strict=True)
        return [answers[place] for place in range(len(rows))]

    def _run_alike(self, rows: Sequence[Arrays]) -> list[Arrays | InvalidInput]:
        """Rows of the same shapes in one run; where it fails each by itself, as rows are of many callers."""
        answer = self._try({info.name: np.stack([row[info.name] for row in rows]) for info in self.inputs})
        if not isinstance(answer, InvalidInput):
            return [{name: values[place] for name, values in answer.items()} for place in range(len(rows))]
        if len(rows) == 1:
            return [answer]
        return [alone for row in rows for alone in self._run_alike([row])]

    def _try(self, feeds: Arrays) -> dict[str, Array] | InvalidInput:
        """The answer, or why there is none: the model is sound, or it had not been loaded."""
        try:
            return self._sessions.infer(self.name, feeds)
        except Exception as error:  # onnxruntime's own errors share no base class
            log.info("model %s refused its inputs: %s", self.name, error)
            reason = str(error).rpartition("Status Message: ")[2].strip()[:_ERROR_CHARS]
            return InvalidInput(f'model "{self.name}" cannot run on these values: {reason}', field="inputs")


def _sound(answer: Arrays | InvalidInput) -> Arrays:
    if isinstance(answer, InvalidInput):
        raise answer
    return answer


def _info(spec: TensorSpec) -> TensorInfo:
    return TensorInfo(spec.name, datatype_of(np.dtype(spec.dtype)), tuple(spec.shape))
