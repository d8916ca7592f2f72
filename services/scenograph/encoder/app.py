"""EncoderApp: images, texts and scene graphs as vectors of one space."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from scenograph.encoder.sentences import graph_sentence
from scenograph.runtime.checks import check_count, check_vector
from scenograph.runtime.contracts import EmbeddingBatch, FloatArray, ImageFeatures, Timings
from scenograph.runtime.sessions import Arrays, Sessions
from scenograph.runtime.texts import TextEncoder, reading_feeds
from scenograph.runtime.vision import Sight, Vision
from scenograph.scene.errors import InvalidInput, InvalidText
from scenograph.scene.graph import SceneGraph

MAX_IMAGES, MAX_TEXTS, MAX_GRAPHS = 64, 1024, 256
MAX_TEXT_CHARS = 2000
TEXT_ROWS = 64  # texts in one run of the text head
HEADS = ("image_head", "text_head")
_FEATURES = {
    "class_probs": "class_probabilities",
    "features": "pooled",
    "detector_features": "detector_pooled",
}
"""The image head's inputs, where they have another name among an image's features."""


class EncoderApp:
    """Embeds images (or their features), texts and graphs (contracts.Encoder)."""

    def __init__(self, sessions: Sessions, vision: Vision, texts: TextEncoder) -> None:
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

    async def encode_images(self, images: Sequence[bytes | ImageFeatures]) -> EmbeddingBatch:
        """Vectors of images, or of what the visual service answered for them.

        Errors: InvalidImage, ImageTooLarge, InvalidInput (count; size or values of features), QueueFull.
        """
        check_count(images, MAX_IMAGES, "images")
        for place, image in enumerate(images):
            if isinstance(image, ImageFeatures):
                self._check_features(image, f"images[{place}].features")
        places = [place for place, image in enumerate(images) if isinstance(image, bytes)]
        features = [image if isinstance(image, ImageFeatures) else None for image in images]
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
        feeds = {
            name: np.stack([getattr(item, attribute) for item in features])
            for name, attribute in self._head_inputs.items()
        }
        return await self._embed("image_head", feeds, timings)

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
        middle = time.perf_counter()
        # Texts of like length run together: a batch is padded to its longest.
        order = sorted(range(len(texts)), key=lambda place: len(readings[place].ids))
        vectors: dict[int, FloatArray] = {}
        for first in range(0, len(order), TEXT_ROWS):
            places = order[first : first + TEXT_ROWS]
            feeds = reading_feeds([readings[place] for place in places], self._text_inputs)
            answer = await self._sessions.run("text_head", feeds)
            vectors |= zip(places, answer["embedding"], strict=True)
        timings = {"infer": (middle - start) * 1e3, "embed": (time.perf_counter() - middle) * 1e3}
        embeddings = np.stack([vectors[place] for place in range(len(texts))])
        return EmbeddingBatch(embeddings, self._sessions.pack.id, timings)

    async def _embed(self, head: str, feeds: Arrays, timings: Timings) -> EmbeddingBatch:
        start = time.perf_counter()
        answer = await self._sessions.run(head, feeds)
        timings = {**timings, "embed": (time.perf_counter() - start) * 1e3}
        return EmbeddingBatch(answer["embedding"], self._sessions.pack.id, timings)

    def _check_features(self, features: ImageFeatures, field: str) -> None:
        for name, size in self._feature_sizes.items():
            check_vector(getattr(features, name), size, f"{field}.{name}")
