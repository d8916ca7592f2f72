"""TextualApp: what a sentence says, as a scene graph."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from scenograph.packs import Pack
from scenograph.runtime.batcher import Batcher
from scenograph.runtime.checks import check_count
from scenograph.runtime.contracts import TextBatch
from scenograph.scene.errors import InvalidText
from scenograph.scene.graph import SceneGraph
from scenograph.scene.parsing import TextParser, check_text, load_parser

MAX_TEXTS = 1024
BATCH_ROWS = 32


class TextualApp:
    """Builds scene graphs from sentences (contracts.TextualGraphs).

    The parser runs in a thread of its own, one batch at a time; sentences of concurrent calls share batches.
    The last `remembered` graphs are kept.
    """

    def __init__(
        self, parser: TextParser, pack_version: str, *, remembered: int = 4096, max_queue: int = 4096
    ) -> None:
        self._parser = parser
        self._pack_version = pack_version
        self._remembered = remembered
        self._graphs: OrderedDict[str, SceneGraph] = OrderedDict()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="textual")
        self._batcher: Batcher[str, SceneGraph] = Batcher(
            parser.parse, self._executor, max_rows=BATCH_ROWS, wait_s=0.0, max_queue=max_queue
        )

    @classmethod
    def from_pack(cls, pack: Pack, *, remembered: int = 4096) -> TextualApp:
        """The app with the parser of an open pack. Blocking: reads the parser's folder."""
        return cls(TextParser(load_parser(pack.path("parser"))), pack.id, remembered=remembered)

    async def parse(self, texts: Sequence[str]) -> TextBatch:
        """One graph, or one InvalidText, for each sentence, in order.

        Errors: InvalidInput (batch size), QueueFull.
        """
        check_count(texts, MAX_TEXTS, "texts")
        start = time.perf_counter()
        results: list[SceneGraph | InvalidText | None] = [self._known(text) for text in texts]
        waiting: dict[str, list[int]] = {}
        for place, (text, result) in enumerate(zip(texts, results, strict=True)):
            if result is None:
                waiting.setdefault(text, []).append(place)
        for text, graph in zip(waiting, await self._batcher.submit(list(waiting)), strict=True):
            self._remember(text, graph)
            for place in waiting[text]:
                results[place] = graph
        timings = {"textual": (time.perf_counter() - start) * 1e3}
        return TextBatch([result for result in results if result is not None], self._pack_version, timings)

    async def close(self) -> None:
        """Ends the parser's thread; what waits is dropped."""
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)

    def _known(self, text: str) -> SceneGraph | InvalidText | None:
        """What can be said of a text without parsing it."""
        graph = self._graphs.get(text)
        if graph is not None:
            self._graphs.move_to_end(text)
            return graph
        try:
            check_text(text)
        except InvalidText as error:
            return error
        return None

    def _remember(self, text: str, graph: SceneGraph) -> None:
        self._graphs[text] = graph
        while len(self._graphs) > self._remembered:
            self._graphs.popitem(last=False)
