"""Models put together of several: what the services answer, by the tensors of the protocol."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from scenograph.inference.models import BATCH
from scenograph.inference.tensors import Arrays, TensorInfo
from scenograph.runtime.contracts import DEFAULT_BITS, Encoder, Hashing
from scenograph.scene.errors import InvalidInput, InvalidText


@dataclass(frozen=True, slots=True)
class Composed:
    """A model (models.Servable) whose work `run` does."""

    name: str
    inputs: Sequence[TensorInfo]
    outputs: Sequence[TensorInfo]
    needs: Sequence[str]
    run: Callable[[Arrays], Awaitable[Arrays]]
    platform: str = "scenograph"

    async def infer(self, feeds: Arrays) -> Arrays:
        """Outputs by name.  Errors: InvalidInput, QueueFull."""
        (given,) = self.inputs
        with _told_of(given.name):
            return await self.run(feeds)


def encode_text(encoder: Encoder, size: int) -> Composed:
    """Texts in UTF-8 -> EncoderService's vectors.  Shapes: text (B,) BYTES -> embedding (B, size) FP32."""

    async def run(feeds: Arrays) -> Arrays:
        texts = [_decoded(text, place) for place, text in enumerate(feeds["text"])]
        return {"embedding": (await encoder.encode_texts(texts)).vectors}

    needs = ("text_encoder", "text_head")
    return Composed("encode_text", [TensorInfo("text", "BYTES", (BATCH,))], [_embedding(size)], needs, run)


def encode_image(encoder: Encoder, size: int) -> Composed:
    """JPEG, PNG or WebP files -> EncoderService's vectors.

    Shapes: image (B,) BYTES -> embedding (B, size) FP32.
    """

    async def run(feeds: Arrays) -> Arrays:
        return {"embedding": (await encoder.encode_images(list(feeds["image"]))).vectors}

    needs = ("detector", "backbone", "image_head")
    return Composed("encode_image", [TensorInfo("image", "BYTES", (BATCH,))], [_embedding(size)], needs, run)


def hash_embedding(hashing: Hashing, size: int) -> Composed:
    """Vectors -> HashingService's codes, bit 0 the highest of byte 0; a shorter code is a beginning.

    Shapes: embedding (B, size) FP32 -> code (B, bits / 8) UINT8, projections (B, bits) FP32.
    """

    async def run(feeds: Arrays) -> Arrays:
        batch = await hashing.hash(feeds["embedding"], include_projections=True)
        assert batch.projections is not None
        return {"code": batch.codes, "projections": batch.projections}

    outputs = [
        TensorInfo("code", "UINT8", (BATCH, DEFAULT_BITS // 8)),
        TensorInfo("projections", "FP32", (BATCH, DEFAULT_BITS)),
    ]
    return Composed("hash_embedding", [_embedding(size)], outputs, ("hash_head",), run)


def _embedding(size: int) -> TensorInfo:
    return TensorInfo("embedding", "FP32", (BATCH, size))


def _decoded(text: bytes, place: int) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise InvalidText("the text is not UTF-8", field=f"texts[{place}]") from error


@contextmanager
def _told_of(name: str) -> Iterator[None]:
    """Lets an app's errors name the input, and which of its elements, instead of the app's own fields."""
    try:
        yield
    except InvalidInput as error:
        place = re.search(r"\[\d+\]", error.violations[0].field) if error.violations else None
        where = f'input "{name}"' + (f", element {place[0][1:-1]}" if place else "")
        raise type(error)(f"{where}: {error.message}", field=f"inputs[{name}]") from error
