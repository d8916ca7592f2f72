"""Codes for benchmarks of large collections, made around those of real photographs and their sentences.

Uniformly random codes would not do: all are equally far from each other, so none has neighbours to be found.
Here an entry is a real photograph or sentence, disturbed by as much as a photograph and its own sentence
differ: to its projections, of which the code is the signs, noise is added that varies as those differences
do, in the same directions. So bits turn over together as they really do, and those near zero first. The
projections are drawn towards their mean so far that entries spread as real ones do (the smoothed bootstrap of
Silverman and Young 1987). Queries are sentences of other photographs, as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenograph.bench.bare import Bare
from scenograph.hashing.app import pack_codes
from scenograph.packs import Pack
from scenograph.runtime.contracts import CodeArray, FloatArray, Modality

BATCH = 16
CHUNK = 65_536
HELD_OUT = 5  # one in so many photographs gives its sentences as queries, and no entries

Tell = Callable[[str, int, int], object]  # what is being done, how much of it is, of how much


@dataclass(frozen=True, slots=True, eq=False)
class Projected:
    """Projections of photographs (P, bits) and sentences (T, bits); sentence i is of photograph owner[i]."""

    photos: FloatArray
    texts: FloatArray
    owner: NDArray[np.int64]

    def cut(self, bits: int) -> Projected:
        """The same with fewer bits."""
        return Projected(self.photos[:, :bits], self.texts[:, :bits], self.owner)


def project(pack: Pack, photos: Sequence[tuple[Path, Sequence[str]]], tell: Tell) -> Projected:
    """What the pack makes of photographs and their sentences."""
    bare = Bare(pack)
    images, texts, owner = [], [], []
    for start in range(0, len(photos), BATCH):
        part = photos[start : start + BATCH]
        images.append(bare.projections(bare.images([path.read_bytes() for path, _ in part])))
        said = [(place, text) for place, (_, captions) in enumerate(part, start) for text in captions]
        texts.append(bare.projections(bare.texts([text for _, text in said])))
        owner += [place for place, _ in said]
        tell("photographs encoded", start + len(part), len(photos))
    return Projected(np.concatenate(images), np.concatenate(texts), np.array(owner))


class Mixture:
    """Entries and held-out queries around real projections."""

    def __init__(self, real: Projected, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self.bits = real.photos.shape[1]
        held = np.arange(len(real.photos)) % HELD_OUT == HELD_OUT - 1
        photos, texts = real.photos[~held], real.texts[~held[real.owner]]
        self._queries = pack_codes(real.texts[held[real.owner]], self.bits)
        kinds = np.array([Modality.IMAGE, Modality.TEXT], np.uint8)
        self._modality = np.repeat(kinds, [len(photos), len(texts)])
        bases = np.concatenate([photos, texts])
        differences = real.texts - real.photos[real.owner]
        self.distance = float(((real.texts > 0) != (real.photos[real.owner] > 0)).sum(axis=1).mean())
        spread, noise = bases.var(axis=0).sum(), differences.var(axis=0).sum()
        mean = bases.mean(axis=0)
        self._bases = mean + np.float32(np.sqrt(max(0.0, 1 - noise / spread))) * (bases - mean)
        size, axes = np.linalg.eigh(np.cov(differences, rowvar=False))
        self._noise = (axes * np.sqrt(np.maximum(size, 0))).T.astype(np.float32)

    def entries(self, number: int) -> Iterator[tuple[CodeArray, NDArray[np.uint8]]]:
        """So many codes and their modalities, in chunks."""
        for start in range(0, number, CHUNK):
            size = min(CHUNK, number - start)
            chosen = self._random.integers(len(self._bases), size=size)
            noise = self._random.standard_normal((size, self.bits), np.float32) @ self._noise
            yield pack_codes(self._bases[chosen] + noise, self.bits), self._modality[chosen]

    def queries(self, number: int) -> CodeArray:
        """So many codes of sentences that no entry was made around, or as many as there are."""
        return self._random.permutation(self._queries)[:number]
