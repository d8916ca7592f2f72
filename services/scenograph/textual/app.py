"""TextualApp: what a sentence says, as a scene graph."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from scenograph.runtime.checks import check_count
from scenograph.runtime.contracts import Parser, TextBatch
from scenograph.scene.errors import FailedPrecondition, InvalidText
from scenograph.scene.graph import SceneGraph
from scenograph.scene.parsing import check_text
from scenograph.textual.parsers import SentenceParser, UnitMaker

MAX_TEXTS = 1024

Key: TypeAlias = "tuple[Parser, bool, str]"  # parser, with units, text


class TextualApp:
    """Builds scene graphs from sentences (contracts.TextualGraphs).

    `default` is the parser of calls that name none. `units` adds units where they are asked for; a pack
    without it gives none. The last `remembered` graphs are kept.
    """

    def __init__(
        self,
        parsers: Mapping[Parser, SentenceParser],
        default: Parser,
        pack_version: str,
        *,
        units: UnitMaker | None = None,
        remembered: int = 4096,
    ) -> None:
        self._parsers = parsers
        self._default = default
        self._units = units
        self._pack_version = pack_version
        self._remembered = remembered
        self._graphs: OrderedDict[Key, SceneGraph] = OrderedDict()

    async def parse(
        self, texts: Sequence[str], *, parser: Parser = Parser.UNSPECIFIED, include_units: bool = False
    ) -> TextBatch:
        """One graph, or one InvalidText, for each sentence, in order.

        Errors: InvalidInput (batch size), FailedPrecondition (the pack has no such parser), QueueFull.
        """
        check_count(texts, MAX_TEXTS, "texts")
        chosen = parser or self._default
        if chosen not in self._parsers:
            raise FailedPrecondition(f"pack {self._pack_version} has no {chosen.name.lower()} parser")
        start = time.perf_counter()
        with_units = include_units and self._units is not None
        results = [self._known((chosen, with_units, text)) for text in texts]
        waiting: dict[str, list[int]] = {}
        for place, (text, result) in enumerate(zip(texts, results, strict=True)):
            if result is None:
                waiting.setdefault(text, []).append(place)
        for text, graph in zip(waiting, await self._made(chosen, with_units, list(waiting)), strict=True):
            self._remember((chosen, with_units, text), graph)
            for place in waiting[text]:
                results[place] = graph
        timings = {"textual": (time.perf_counter() - start) * 1e3}
        return TextBatch([result for result in results if result is not None], self._pack_version, timings)

    async def _made(self, parser: Parser, with_units: bool, texts: Sequence[str]) -> list[SceneGraph]:
        if not texts:
            return []
        graphs = await self._parsers[parser].parse(texts)
        return await self._units.add(texts, graphs) if with_units and self._units is not None else graphs

    def _known(self, key: Key) -> SceneGraph | InvalidText | None:
        """What can be said of a text without parsing it."""
        graph = self._graphs.get(key)
        if graph is not None:
            self._graphs.move_to_end(key)
            return graph
        try:
            check_text(key[2])
        except InvalidText as error:
            return error
        return None

    def _remember(self, key: Key, graph: SceneGraph) -> None:
        self._graphs[key] = graph
        while len(self._graphs) > self._remembered:
            self._graphs.popitem(last=False)
