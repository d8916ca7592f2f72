"""What the apps of one pack share, each made once and only where something asks for it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import cached_property

from scenograph.cli.compose.process import Process
from scenograph.packs import Pack, open_pack
from scenograph.runtime.sessions import Sessions
from scenograph.runtime.texts import TextEncoder, WordVectors
from scenograph.runtime.units import MODEL as UNIT_MODEL
from scenograph.runtime.units import TextUnitMaker
from scenograph.runtime.vision import Vision
from scenograph.scene.errors import FailedPrecondition
from scenograph.scene.vocabulary import Vocabulary


class Parts:
    """`closing` is left when the pack is unloaded: whoever makes something that must be closed says so
    there.
    """

    def __init__(self, process: Process, closing: AsyncExitStack) -> None:
        self.process = process
        self.settings = process.settings
        self.closing = closing
        self.metrics = process.metrics
        self._models: set[str] = set()
        self._pack: Pack | None = None

    def needs(self, *models: str) -> None:
        """Notes models for `warm_up`."""
        self._models.update(models)

    def open(self, name: str = "") -> None:
        """Opens a pack, else that of the settings, and compares its files with their digests (blocking).

        Errors: PackNotFound, PackCorrupt, InvalidInput.
        """
        pack = open_pack(name or self.settings.pack, self.settings.packs)
        models = pack.manifest.models
        digests = {name: pack.manifest.files[model.file] for name, model in models.items()}
        self.metrics.has_pack(pack.id, digests)
        self.closing.callback(self.metrics.has_pack_no_more, pack.id)
        self._pack = pack

    @property
    def pack_id(self) -> str | None:
        """The opened pack's name and version; None where no service needs one."""
        return None if self._pack is None else self._pack.id

    @property
    def pack(self) -> Pack:
        """The opened pack."""
        if self._pack is None:
            raise FailedPrecondition("the pack is not open")
        return self._pack

    @cached_property
    def sessions(self) -> Sessions:
        sessions = Sessions(self.pack, crew=self.process.workers, metrics=self.metrics)
        self.closing.callback(sessions.close)
        return sessions

    @cached_property
    def vision(self) -> Vision:
        self.needs("detector", "backbone")
        chosen, images = self.settings.sessions, self.settings.images
        return Vision(
            self.sessions,
            max_pixels=images.max_pixels,
            max_bytes=images.max_bytes,
            batch_rows=chosen.batch_rows,
            batch_wait_s=chosen.batch_wait_ms / 1000,
            max_queue=chosen.max_queue,
        )

    @cached_property
    def texts(self) -> TextEncoder:
        self.needs("text_encoder")
        return TextEncoder(self.sessions)

    @cached_property
    def words(self) -> WordVectors:
        return WordVectors(self.texts, self.sessions)

    def has(self, model: str) -> bool:
        """Whether the pack has a model of that name."""
        return model in self.pack.manifest.models

    @cached_property
    def text_units(self) -> TextUnitMaker | None:
        """What gives sentences units; None for a pack without a learned matcher."""
        if not self.has(UNIT_MODEL):
            return None
        self.needs(UNIT_MODEL)
        return TextUnitMaker(self.sessions, self.texts)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.load()

    def warm_up(self) -> None:
        """Loads the models that were asked for and compares them with the pack's recorded answers (blocking).

        Errors: PackCorrupt.
        """
        if self._models:
            self.sessions.load(self._models)
            self.sessions.check(self._models)
