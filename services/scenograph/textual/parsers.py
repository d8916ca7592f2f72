"""What reads sentences: the parsers of a pack, and what adds units to their graphs."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from scenograph.packs import Pack
from scenograph.runtime.batcher import Batcher
from scenograph.runtime.telemetry.metrics import UNREAD, Metrics
from scenograph.scene.graph import SceneGraph
from scenograph.scene.parsing import TextParser, load_parser

BATCH_ROWS = 32


def parser_digest(pack: Pack) -> str:
    """Of all that `RulesParser.from_pack` reads: packs of one digest have the same parser."""
    files = sorted(
        (file, digest) for file, digest in pack.manifest.files.items() if file.startswith("parser/")
    )
    return hashlib.sha256(repr(files).encode()).hexdigest()


class SentenceParser(Protocol):
    """Turns checked sentences into graphs, in order. Errors: QueueFull."""

    async def parse(self, texts: Sequence[str]) -> list[SceneGraph]: ...


class UnitMaker(Protocol):
    """Adds units to the graphs of sentences (the same number of both, in order). Errors: QueueFull."""

    async def add(self, texts: Sequence[str], graphs: Sequence[SceneGraph]) -> list[SceneGraph]: ...


class RulesParser:
    """Rules on a dependency parse, in a thread of their own, one batch at a time; sentences of concurrent
    calls share batches.
    """

    def __init__(self, parser: TextParser, *, max_queue: int = 4096, metrics: Metrics = UNREAD) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="textual")
        self._batcher: Batcher[str, SceneGraph] = Batcher(
            parser.parse,
            self._executor,
            max_rows=BATCH_ROWS,
            wait_s=0.0,
            max_queue=max_queue,
            name="rules_parser",
            metrics=metrics,
        )

    @classmethod
    def from_pack(cls, pack: Pack, metrics: Metrics = UNREAD) -> RulesParser:
        """With the parser's folder of an open pack. Blocking: reads it."""
        return cls(TextParser(load_parser(pack.path("parser"))), metrics=metrics)

    async def parse(self, texts: Sequence[str]) -> list[SceneGraph]:
        """One graph for each sentence."""
        return await self._batcher.submit(list(texts))

    async def close(self) -> None:
        """Ends the thread; what waits is dropped."""
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)
