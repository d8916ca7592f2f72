"""EncoderApp: images, texts and scene graphs as vectors of one space."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence

import numpy as np

from scenograph.encoder.sentences import graph_sentence
from scenograph.runtime.batcher import Batcher
from scenograph.runtime.checks import check_count, check_vector
from scenograph.runtime.contracts import EmbeddingBatch, FloatArray, ImageFeatures, Timings
from scenograph.runtime.sessions import Sessions
from scenograph.runtime.texts import Reading, TextEncoder, reading_feeds
from scenograph.runtime.vision import Sight, Vision
from scenograph.scene.errors import InvalidInput, InvalidText
from scenograph.scene.graph import SceneGraph

MAX_IMAGES, MAX_TEXTS, MAX_GRAPHS = 64, 1024, 256
MAX_TEXT_CHARS = 2000
HEAD_ROWS = 16  # images or texts in one run of a head
HEADS = ("image_head", "text_head")
_FEATURES = {
    "class_probs": "class_probabilities",
    "features": "pooled",
    "detector_features": "detector_pooled",
}
"""The image head's inputs, where they have another name among an image's features."""


class EncoderApp:
    """Embeds images (or their features), texts and graphs (contracts.Encoder)."""

    def __init__(
        self, sessions: Sessions, vision: Vision, texts: TextEncoder, *, max_queue: int = 4096
    ) -> None:
        self._sessions = sessions
        self._vision = vision
        self._texts = texts
        outputs = {
            (name, spec.name): spec.shape[-1]
            for name, model in sessions.pack.manifest.models.items()
            for spec in (*model.inputs, *model.outputs)
        }
        self._feature_sizes = {
            "class_probabilities": int(outputs["backbone", "probs"]),
            "object_scores": int(outputs["detector", "scores"]),
            "pooled": int(outputs["backbone", "features"]),
            "detector_pooled": int(outputs.get(("detector", "features"), 0)),
        }
        heads = sessions.pack.manifest.models
        self._head_inputs = {
            spec.name: _FEATURES.get(spec.name, spec.name) for spec in heads["image_head"].inputs
        }
        self._text_inputs = [spec.name for spec in heads["text_head"].inputs]
        self._image_head = Batcher(
            self._embed_images,
            sessions.executor,
            max_rows=HEAD_ROWS,
            wait_s=0.0,
            max_queue=max_queue,
            parallel=sessions.workers,
            name="image_head",
            metrics=sessions.metrics,
        )
        self._text_head: Batcher[Reading, FloatArray] = Batcher(
            self._embed_texts,
            sessions.executor,
            max_rows=HEAD_ROWS,
            wait_s=0.0,
            max_queue=max_queue,
            parallel=sessions.workers,
            size=lambda reading: len(reading.ids),
            name="text_head",
            metrics=sessions.metrics,
        )

    async def encode_images(self, images: Sequence[bytes | ImageFeatures]) -> EmbeddingBatch:
        """Vectors of images, or of what the visual service answered for them.

        Errors: InvalidImage, ImageTooLarge, InvalidInput (count; size or values of features), QueueFull.
        """
        check_count(images, MAX_IMAGES, "images")
        for place, image in enumerate(images):
            if isinstance(image, ImageFeatures):
                self._check_features(image, f"images[{place}].features")
        places = [place for place, image in enumerate(images) if isinstance(image, bytes)]
        features = {place: image for place, image in enumerate(images) if isinstance(image, ImageFeatures)}
        timings: Timings = {}
        if places:
            sights, timings = await self._vision.look(
                [image for image in images if isinstance(image, bytes)],
                fields=[f"images[{place}].image" for place in places],
            )
            for place, sight in zip(places, sights, strict=True):
                if not isinstance(sight, Sight):
                    raise sight
                features[place] = sight.features
        rows = [features[place] for place in range(len(images))]
        return await self._embedded(self._image_head.submit(rows), timings)

    async def encode_texts(self, texts: Sequence[str]) -> EmbeddingBatch:
        """Vectors of texts; what goes beyond the encoder's 256 tokens is not read.

        Errors: InvalidText, QueueFull.
        """
        check_count(texts, MAX_TEXTS, "texts")
        for place, text in enumerate(texts):
            if not text.strip():
                raise InvalidText("the text is empty", field=f"texts[{place}]")
            if len(text) > MAX_TEXT_CHARS:
                message = f"the text has {len(text)} characters; at most {MAX_TEXT_CHARS} are allowed"
                raise InvalidText(message, field=f"texts[{place}]")
        return await self._read(texts)

    async def encode_graphs(self, graphs: Sequence[SceneGraph]) -> EmbeddingBatch:
        """Vectors of what graphs say, as a sentence; what a graph denies is left out.

        Errors: InvalidInput (no node that is affirmed).
        """
        check_count(graphs, MAX_GRAPHS, "graphs")
        for place, graph in enumerate(graphs):
            if all(node.negated for node in graph.nodes):
                raise InvalidInput("a graph needs a node that is not negated", field=f"graphs[{place}].nodes")
        return await self._read([graph_sentence(graph) for graph in graphs])

    async def _read(self, texts: Sequence[str]) -> EmbeddingBatch:
        start = time.perf_counter()
        readings = await self._texts.read(texts)
        timings = {"infer": (time.perf_counter() - start) * 1e3}
        return await self._embedded(self._text_head.submit(readings), timings)

    async def _embedded(self, vectors: Awaitable[list[FloatArray]], timings: Timings) -> EmbeddingBatch:
        start = time.perf_counter()
        embeddings = np.stack(await vectors)
        timings = {**timings, "embed": (time.perf_counter() - start) * 1e3}
        return EmbeddingBatch(embeddings, self._sessions.pack.id, timings)

    def _embed_images(self, images: list[ImageFeatures]) -> list[FloatArray]:
        feeds = {
            name: np.stack([getattr(image, attribute) for image in images])
            for name, attribute in self._head_inputs.items()
        }
        return list(self._sessions.infer("image_head", feeds)["embedding"])

    def _embed_texts(self, readings: list[Reading]) -> list[FloatArray]:
        return list(
            self._sessions.infer("text_head", reading_feeds(readings, self._text_inputs))["embedding"]
        )

    def _check_features(self, features: ImageFeatures, field: str) -> None:
        for name, size in self._feature_sizes.items():
            check_vector(getattr(features, name), size, f"{field}.{name}")
