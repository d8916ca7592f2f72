"""InferenceApp: finds models by name, runs them, and keeps which of them may be used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from scenograph.inference.models import Servable
from scenograph.inference.tensors import Array, Arrays, TensorInfo, check_feeds
from scenograph.runtime.sessions import Sessions
from scenograph.scene.errors import FailedPrecondition, InvalidInput, NotFound, PackCorrupt


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One run of a model: inputs by name, and the names of the outputs to answer with; none: all."""

    model: str
    version: str
    feeds: Arrays
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A model in the index; `reason` says why it is unavailable, and is empty where it is ready."""

    name: str
    reason: str


class InferenceApp:
    """Serves models of one pack by name.

    `ready`: whether the server takes calls. All models were verified by whoever made their sessions.
    """

    def __init__(self, models: Iterable[Servable], sessions: Sessions, ready: Callable[[], bool]) -> None:
        self.ready = ready
        self.version = sessions.pack.version
        self._models = {model.name: model for model in sorted(models, key=lambda model: model.name)}
        self._sessions = sessions
        self._refused: dict[str, str] = {}
        self._changing = asyncio.Lock()

    def model(self, name: str, version: str = "") -> Servable:
        """The model of that name; the version is the pack's, or empty.  Errors: NotFound."""
        if name not in self._models:
            raise NotFound(f'no model "{name}"; there are {", ".join(self._models)}')
        if version not in ("", self.version):
            raise NotFound(f'model "{name}" has the version {self.version}, not {version}')
        return self._models[name]

    def model_ready(self, name: str, version: str = "") -> bool:
        """Whether `infer` would run it; False where there is no such model or version."""
        return name in self._models and version in ("", self.version) and name not in self._refused

    async def infer(self, run: Run) -> list[tuple[TensorInfo, Array]]:
        """The outputs that were asked for, in that order.

        Errors: NotFound, FailedPrecondition (unavailable), InvalidInput (names, datatypes, shapes, values),
        QueueFull.
        """
        model = self.model(run.model, run.version)
        if run.model in self._refused:
            raise FailedPrecondition(f'model "{run.model}" is unavailable: {self._refused[run.model]}')
        infos = {info.name: info for info in model.outputs}
        for name in run.outputs:
            if name not in infos:
                raise InvalidInput(
                    f'model "{run.model}" has no output "{name}"; it gives {", ".join(infos)}',
                    field=f"outputs[{name}]",
                )
        check_feeds(run.model, model.inputs, run.feeds)
        answer = await model.infer(run.feeds)
        return [(infos[name], answer[name]) for name in run.outputs or infos]

    def index(self, repository: str = "", *, ready_only: bool = False) -> list[Listed]:
        """All models by name, or those that are ready.  Errors: NotFound (another pack's name)."""
        self._check_repository(repository)
        return [
            Listed(name, self._refused.get(name, ""))
            for name in self._models
            if not (ready_only and name in self._refused)
        ]

    async def load(self, name: str, repository: str = "") -> None:
        """Make a model ready, once it gave the pack's recorded answers; else it is unavailable.

        Errors: NotFound, PackCorrupt.
        """
        self._check_repository(repository)
        model = self.model(name)
        async with self._changing:
            try:
                await self._sessions.offload(self._sessions.check, model.needs)
            except PackCorrupt as error:
                self._refused[name] = error.message
                raise
            self._refused.pop(name, None)

    async def unload(self, name: str, repository: str = "") -> None:
        """Refuse a model's runs here; the services go on using it.  Errors: NotFound."""
        self._check_repository(repository)
        self.model(name)
        async with self._changing:
            self._refused[name] = "unloaded"

    def _check_repository(self, name: str) -> None:
        pack = self._sessions.pack.name
        if name not in ("", pack):
            raise NotFound(f'no repository "{name}"; there is {pack}')
