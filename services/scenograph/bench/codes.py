"""Codes for benchmarks of large collections, made around those of real photographs and their sentences.

Uniformly random codes would not do: all are equally far from each other, so that none has neighbours to be found. Here
an entry is the code of a real photograph or sentence in which some bits are turned over: as many as differ between a
photograph and one of its own sentences, drawn anew for each entry from what was measured, and each bit as often as it
differs there. Queries are codes of other sentences, as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenograph.bench.bare import Bare
from scenograph.packs import Pack
from scenograph.runtime.contracts import CodeArray, Modality

BATCH = 16
CHUNK = 65_536
HELD_OUT = 5  # one in so many photographs gives its sentences as queries, and no entries

Tell = Callable[[str, int, int], object]  # what is being done, how much of it is, of how much


@dataclass(frozen=True, slots=True, eq=False)
class RealCodes:
    """Codes of photographs (P, b) and of their sentences (T, b) uint8; sentence i belongs to photograph owner[i]."""

    photos: CodeArray
    texts: CodeArray
    owner: NDArray[np.int64]

    def cut(self, bits: int) -> RealCodes:
        """The same of fewer bits."""
        return RealCodes(self.photos[:, : bits // 8], self.texts[:, : bits // 8], self.owner)

    def differing(self) -> CodeArray:
        """Which bits differ between each sentence and its photograph.  Shape: (T, bits) of 0 and 1."""
        return np.unpackbits(self.texts ^ self.photos[self.owner], axis=1)


def encoded(pack: Pack, photos: Sequence[tuple[Path, Sequence[str]]], tell: Tell) -> RealCodes:
    """The pack's codes of photographs and their sentences."""
    bare = Bare(pack)
    images, texts, owner = [], [], []
    for start in range(0, len(photos), BATCH):
        part = photos[start : start + BATCH]
        images.append(bare.codes(bare.images([path.read_bytes() for path, _ in part])))
        said = [(place, text) for place, (_, captions) in enumerate(part, start) for text in captions]
        texts.append(bare.codes(bare.texts([text for _, text in said])))
        owner += [place for place, _ in said]
        tell("photographs encoded", start + len(part), len(photos))
    return RealCodes(np.concatenate(images), np.concatenate(texts), np.array(owner))


class Mixture:
    """Entries and held-out queries around real codes."""

    def __init__(self, real: RealCodes, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        held = np.arange(len(real.photos)) % HELD_OUT == HELD_OUT - 1
        self._queries = real.texts[held[real.owner]]
        photos, texts = real.photos[~held], real.texts[~held[real.owner]]
        self._bases = np.concatenate([photos, texts])
        self._modality = np.repeat(np.uint8([Modality.IMAGE, Modality.TEXT]), [len(photos), len(texts)])
        self._differing = real.differing()
        self.bits = 8 * real.photos.shape[1]

    @property
    def distance(self) -> float:
        """Bits that differ between a photograph and its sentence, on average."""
        return float(self._differing.sum(axis=1).mean())

    def entries(self, number: int) -> Iterator[tuple[CodeArray, NDArray[np.uint8]]]:
        """So many codes and their modalities, in chunks."""
        for start in range(0, number, CHUNK):
            size = min(CHUNK, number - start)
            chosen = self._random.integers(len(self._bases), size=size)
            turned = np.packbits(self._turned(size), axis=1)
            yield self._bases[chosen] ^ turned, self._modality[chosen]

    def queries(self, number: int) -> CodeArray:
        """So many codes of sentences that no entry was made around, or as many as there are."""
        return self._random.permutation(self._queries)[:number]

    def _turned(self, size: int) -> CodeArray:
        """Which bits to turn over.  Shape: (size, bits) of 0 and 1."""
        share = self._differing.mean(axis=0, dtype=np.float32)
        wanted = self._random.choice(self._differing.sum(axis=1), size) / self._differing.sum(axis=1).mean()
        chances = share * wanted.astype(np.float32)[:, np.newaxis]
        turned: CodeArray = (self._random.random(chances.shape, dtype=np.float32) < chances).view(np.uint8)
        return turned
