"""The pack's own parser: heads on the pass of the text encoder that the sentence vector comes from."""

from __future__ import annotations

from collections.abc import Sequence

from scenograph.runtime.batcher import Batcher
from scenograph.runtime.sessions import Sessions
from scenograph.runtime.texts import Reading as Pass
from scenograph.runtime.texts import TextEncoder
from scenograph.scene.graph import SceneGraph
from scenograph.scene.parsing.neural import (
    OUTPUTS,
    NeuralReader,
    Sentence,
    denies,
    facts,
    feeds,
    read_sentences,
)
from scenograph.scene.parsing.neural_decode import Fact, Reading
from scenograph.scene.parsing.neural_names import Names
from scenograph.scene.vocabulary import Vocabulary
from scenograph.textual.parsers import SentenceParser

MODEL = "scene_parser"
BATCH_ROWS = 16
_Read = tuple[list[Sentence], list[Reading]]


class NeuralParser:
    """Reads sentences by the model `scene_parser` of a pack; those that deny something go to the rules.

    Sentences of concurrent calls share batches, and the text encoder's pass with whatever else reads them.
    """

    def __init__(
        self,
        sessions: Sessions,
        texts: TextEncoder,
        vocabulary: Vocabulary,
        rules: SentenceParser,
        *,
        max_queue: int = 4096,
    ) -> None:
        self._sessions = sessions
        self._texts = texts
        self._rules = rules
        self._reader = NeuralReader(Names.load(sessions.pack.path(f"{MODEL}.json")), vocabulary)
        self._batcher: Batcher[tuple[str, Pass], _Read] = Batcher(
            self._run,
            sessions.executor,
            max_rows=BATCH_ROWS,
            wait_s=0.0,
            max_queue=max_queue,
            parallel=sessions.workers,
            name=MODEL,
            metrics=sessions.metrics,
        )

    async def parse(self, texts: Sequence[str]) -> list[SceneGraph]:
        """One graph for each sentence. Errors: QueueFull."""
        denying = [place for place, text in enumerate(texts) if denies(text)]
        plain = [place for place in range(len(texts)) if place not in set(denying)]
        graphs: dict[int, SceneGraph] = {}
        if denying:
            graphs |= zip(denying, await self._rules.parse([texts[place] for place in denying]), strict=True)
        if plain:
            read = await self._read([texts[place] for place in plain])
            graphs |= zip(plain, (self._reader.graph(*each) for each in read), strict=True)
        return [graphs[place] for place in range(len(texts))]

    async def facts(self, texts: Sequence[str]) -> list[frozenset[Fact]]:
        """What each sentence states, in FACTUAL's conventions, without what is denied. Errors: QueueFull."""
        return [facts(readings) for _, readings in await self._read(texts)]

    async def _read(self, texts: Sequence[str]) -> list[_Read]:
        passes = await self._texts.read(texts)
        # Sentences of like length run together.
        order = sorted(range(len(texts)), key=lambda place: len(passes[place].ids))
        rows = await self._batcher.submit([(texts[place], passes[place]) for place in order])
        found = dict(zip(order, rows, strict=True))
        return [found[place] for place in range(len(texts))]

    def _run(self, texts: list[tuple[str, Pass]]) -> list[_Read]:
        sentences = [read_sentences(text, read.spans, read.states["lower"]) for text, read in texts]
        flat = [sentence for each in sentences for sentence in each]
        readings = iter(self._readings(flat))
        return [(each, [next(readings) for _ in each]) for each in sentences]

    def _readings(self, sentences: list[Sentence]) -> list[Reading]:
        found: list[Reading] = []
        for start in range(0, len(sentences), BATCH_ROWS):
            batch = sentences[start : start + BATCH_ROWS]
            scores = self._sessions.infer(MODEL, feeds(batch))
            found += self._reader.readings(batch, {name: scores[name] for name in OUTPUTS})
        return found
