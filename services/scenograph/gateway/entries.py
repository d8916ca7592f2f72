"""From images and sentences to what is searched: scene graph, embedding and code, made in small batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from scenograph.gateway.deadlines import StageTimes
from scenograph.gateway.packs import PackInfo
from scenograph.gateway.tasks import both
from scenograph.runtime.contracts import (
    Encoder,
    Entry,
    FloatArray,
    Hashing,
    ImageFeatures,
    Modality,
    TextualGraphs,
    VisualGraph,
    VisualGraphs,
)
from scenograph.scene.errors import ScenographError

IMAGES = 16  # images in one call to the visual service
TEXTS = 256  # texts in one call to the textual service and the encoder

Made: TypeAlias = "Entry | ScenographError"


class EntryMaker:
    """Makes the entries of items and of Rank's candidates. A bad image or text gets an error in its place."""

    def __init__(
        self,
        visual: VisualGraphs,
        textual: TextualGraphs,
        encoder: Encoder,
        hashing: Hashing,
        pack: PackInfo,
    ) -> None:
        self._visual = visual
        self._textual = textual
        self._encoder = encoder
        self._hashing = hashing
        self._pack = pack

    async def make(
        self, images: Sequence[bytes], texts: Sequence[str], bits: int, times: StageTimes
    ) -> tuple[list[Made], list[Made]]:
        """An entry (its ordinal 0) or an error for each image and for each text, in order.

        Texts are checked already.
        """
        seen, said = await both(self._images(images, times), self._texts(texts, times))
        entries = [one for one in [*seen, *said] if isinstance(one, Entry)]
        if entries:
            vectors = np.stack([entry.embedding for entry in entries if entry.embedding is not None])
            with times.measure("hash"):
                batch = await self._hashing.hash(vectors, bits=bits)
            self._pack.check_service(batch.pack_version, "hashing")
            codes = iter(batch.codes)
            seen = [replace(one, code=next(codes)) if isinstance(one, Entry) else one for one in seen]
            said = [replace(one, code=next(codes)) if isinstance(one, Entry) else one for one in said]
        return seen, said

    async def _images(self, images: Sequence[bytes], times: StageTimes) -> list[Made]:
        made: list[Made] = []
        for start in range(0, len(images), IMAGES):
            chunk = images[start : start + IMAGES]
            with times.measure("visual"):
                batch = await self._visual.build(chunk, include_features=True, include_units=True)
            times.inside("visual", batch.timings)
            self._pack.check_service(batch.pack_version, "visual")
            sources: list[bytes | ImageFeatures] = [
                result.features if result.features is not None else content
                for content, result in zip(chunk, batch.results, strict=True)
                if isinstance(result, VisualGraph)
            ]
            vectors = iter(await self._encode_images(sources, times))
            made += [
                Entry(
                    Modality.IMAGE,
                    graph=result.graph,
                    embedding=next(vectors),
                    width=result.width,
                    height=result.height,
                )
                if isinstance(result, VisualGraph)
                else result
                for result in batch.results
            ]
        return made

    async def _encode_images(
        self, sources: Sequence[bytes | ImageFeatures], times: StageTimes
    ) -> Sequence[FloatArray]:
        if not sources:
            return []
        with times.measure("encode"):
            batch = await self._encoder.encode_images(sources)
        self._pack.check_service(batch.pack_version, "encoder")
        return list(batch.vectors)

    async def _texts(self, texts: Sequence[str], times: StageTimes) -> list[Made]:
        made: list[Made] = []
        for start in range(0, len(texts), TEXTS):
            chunk = texts[start : start + TEXTS]
            with times.measure("textual"):
                parsed = await self._textual.parse(chunk, include_units=True)
            times.inside("textual", parsed.timings)
            self._pack.check_service(parsed.pack_version, "textual")
            results = list(zip(chunk, parsed.results, strict=True))
            sound = [text for text, result in results if not isinstance(result, ScenographError)]
            vectors = iter(await self._encode_texts(sound, times))
            made += [
                result
                if isinstance(result, ScenographError)
                else Entry(Modality.TEXT, text=text, graph=result, embedding=next(vectors))
                for text, result in results
            ]
        return made

    async def _encode_texts(self, texts: Sequence[str], times: StageTimes) -> Sequence[FloatArray]:
        if not texts:
            return []
        with times.measure("encode"):
            batch = await self._encoder.encode_texts(texts)
        self._pack.check_service(batch.pack_version, "encoder")
        return list(batch.vectors)
