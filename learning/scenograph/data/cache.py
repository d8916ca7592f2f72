"""`FeatureCache`: what frozen models say of photographs and captions, computed once and memory-mapped after.

An entry belongs to the contents of the photos (or captions), the model, and the view: change any and it is
another entry. Entries appear whole; an interrupted computation goes on where it was.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenograph.data.digests import digest_files, digest_of, digest_texts
from scenograph.data.filling import Arrays, Filling, read_entry
from scenograph.data.parallel import in_order
from scenograph.data.tokens import TextFeatures, TokenCache, TokenStates
from scenograph.data.views import ORIGINAL, Pixels, View
from scenograph.prep import decode_image
from scenograph.scene.errors import InvalidImage, InvalidInput

InferImages = Callable[[Sequence[Pixels]], Arrays]
InferTexts = Callable[[Sequence[str]], TextFeatures]
Progress = Callable[[int, int], None]
Entry = dict[str, NDArray[Any]]


class FeatureCache:
    """Features under one folder. Several processes may share it: one computes an entry, the others wait."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def compute(
        self,
        images: Sequence[Path],
        model: str,
        infer: InferImages,
        views: Sequence[View] = (ORIGINAL,),
        *,
        batch: int = 8,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Entry]:
        """The features of photographs in each view, read-only and memory-mapped; what is missing is computed.

        `model` names all that the features depend on besides the photos: the digest of the model's file and,
        where it matters, what is made of its outputs. `infer` takes up to `batch` RGB photographs (h, w, 3)
        uint8 of any size and gives arrays whose first axis is the batch; threads call it together, as many as
        there are cores unless `workers` says otherwise, so that an ONNX session of one thread each suits it.
        `progress(done, total)` is called as rows are finished.

        Returns: view name -> array name -> (n, ...), row i of `images[i]`.
        Errors: InvalidInput (no photos; `infer` changes its shapes), InvalidImage (naming the file).
        """
        if not images:
            raise InvalidInput("no photographs to compute features of", field="images")
        source, key = digest_files(images), digest_of(model)
        report = _Counter(progress, len(images) * len(views))
        found: dict[str, Entry] = {}
        for view in views:
            place = self._place(source, key, view.name)
            with _locked(place):
                if not place.exists():
                    filling = Filling(_unfinished(place), len(images))
                    report.add(len(images) - len(filling.missing()))
                    _fill(filling, images, view, infer, batch, workers or os.cpu_count() or 1, report)
                    filling.publish(place, {"source": source, "model": model, "view": view.name})
                else:
                    report.add(len(images))
            found[view.name] = read_entry(place)
        return found

    def get(self, images: Sequence[Path], model: str, view: View = ORIGINAL) -> Entry | None:
        """The finished features of these photographs, or None."""
        place = self._place(digest_files(images), digest_of(model), view.name)
        return read_entry(place) if place.exists() else None

    def compute_tokens(
        self,
        texts: Sequence[str],
        model: str,
        infer: InferTexts,
        *,
        batch: int = 64,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> TokenStates:
        """The token states and sentence vectors of captions, memory-mapped; what is missing is computed.

        `infer` takes up to `batch` texts; threads call it together. Errors: InvalidInput (no captions).
        """
        if not texts:
            raise InvalidInput("no captions to compute features of", field="texts")
        source = digest_texts(texts)
        place = self._place(source, digest_of(model), "tokens")
        with _locked(place):
            if not place.exists():
                tokens = TokenCache(_unfinished(place), texts, batch)
                report = _Counter(progress, len(texts))
                report.add(len(texts) - sum(len(part) for part in tokens.missing()))
                threads = workers or os.cpu_count() or 1
                parts = tokens.missing()
                for part, features in in_order(
                    parts, lambda part: infer([texts[row] for row in part]), threads
                ):
                    tokens.put(part, features)
                    report.add(len(part))
                tokens.publish(place, {"source": source, "model": model})
            else:
                _Counter(progress, len(texts)).add(len(texts))
        return TokenStates.read(place)

    def _place(self, source: str, model: str, view: str) -> Path:
        return self.folder / f"{source[:16]}-{model[:16]}" / view


class _Counter:
    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def add(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._total)


def _fill(
    filling: Filling,
    images: Sequence[Path],
    view: View,
    infer: InferImages,
    batch: int,
    workers: int,
    report: _Counter,
) -> None:
    missing = filling.missing()
    parts = [missing[start : start + batch] for start in range(0, len(missing), batch)]

    def features(rows: Sequence[int]) -> Mapping[str, NDArray[Any]]:
        return infer([view.make(_decode(images[row]), row) for row in rows])

    try:
        for rows, values in in_order(parts, features, workers):
            filling.put(rows, {name: np.asarray(value) for name, value in values.items()})
            report.add(len(rows))
    finally:
        filling.commit()


def _decode(file: Path) -> Pixels:
    try:
        return decode_image(file.read_bytes())
    except InvalidInput as error:
        raise InvalidImage(f"{file}: {error.message}") from error


def _unfinished(place: Path) -> Path:
    return place.with_name(f"{place.name}.part")


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Hold the entry: others wait. The system lets go of it when the process ends, however it ends."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
