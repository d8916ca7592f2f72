"""What a dataset is: the facts that `scenograph datasets` shows, and that reports and model cards repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["captions", "features"]


@dataclass(frozen=True, slots=True)
class DatasetCard:
    """The facts of one dataset.

    `kind` says what it gives: photographs with captions, or paired features with labels; `modality` what
    these are ("image: 128-d SIFT; text: 10-d LDA"). `protocol` is how the field uses the splits, `files` what
    the folder must hold, `terms` the licence or terms of use, `url` where it is published.
    """

    name: str
    title: str
    kind: Kind
    modality: str
    splits: tuple[str, ...]
    protocol: str
    files: tuple[str, ...]
    url: str
    terms: str
    citation: str
