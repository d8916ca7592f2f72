"""Units of sentences: the objects, relations and the whole that the learned matcher compares."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from scenograph.runtime.sessions import Sessions
from scenograph.runtime.texts import Reading, TextEncoder
from scenograph.scene.graph import SceneGraph
from scenograph.scene.text_parts import text_graph_units, text_inputs, text_parts

MODEL = "text_units"


class TextUnitMaker:
    """Adds units to sentences' graphs (textual.parsers.UnitMaker), from the text encoder's one pass."""

    def __init__(self, sessions: Sessions, encoder: TextEncoder) -> None:
        self._sessions = sessions
        self._encoder = encoder

    async def add(self, texts: Sequence[str], graphs: Sequence[SceneGraph]) -> list[SceneGraph]:
        """The graphs with their units, in order. Errors: QueueFull."""
        readings = await self._encoder.read(texts)
        return list(
            await asyncio.gather(
                *(
                    self._sessions.offload(self._with_units, text, graph, reading)
                    for text, graph, reading in zip(texts, graphs, readings, strict=True)
                )
            )
        )

    def _with_units(self, text: str, graph: SceneGraph, reading: Reading) -> SceneGraph:
        parts = text_parts(text, graph)
        feeds = text_inputs(parts, reading.spans) | {
            "tokens": reading.states["tokens"][None],
            "sentence": reading.sentence[None],
        }
        answer = self._sessions.infer(MODEL, feeds)
        return replace(graph, units=text_graph_units(parts, answer["vectors"][0], answer["weights"][0]))
