"""Karpathy's files (`dataset_flickr30k.json`, `dataset_coco.json`): captions and split of each photo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenograph.data.card import DatasetCard
from scenograph.data.contracts import CaptionSplit
from scenograph.data.files import read_json, wrong


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo of the file: `folder` is its `filepath` ("val2014"), empty where the file has none."""

    folder: str
    name: str
    split: str
    captions: tuple[str, ...]


def read_photos(card: DatasetCard, file: Path) -> list[Photo]:
    """All photos in the file's order. Errors: InvalidInput (not such a file, naming the entry)."""
    value = read_json(card, file)
    if not isinstance(value, dict) or not isinstance(value.get("images"), list):
        raise wrong(card, file, 'is not {"images": [...]} as Karpathy published it')
    return [_photo(card, file, number, entry) for number, entry in enumerate(value["images"])]


def split_of(
    photos: list[Photo], keep: Callable[[Photo], bool], place: Callable[[Photo], Path]
) -> CaptionSplit:
    """The photos that `keep` chooses, each where `place` says it lies."""
    chosen = [photo for photo in photos if keep(photo)]
    return CaptionSplit(tuple(map(place, chosen)), tuple(photo.captions for photo in chosen))


def _photo(card: DatasetCard, file: Path, number: int, entry: Mapping[str, Any]) -> Photo:
    try:
        captions = tuple(str(sentence["raw"]).strip() for sentence in entry["sentences"])
        return Photo(entry.get("filepath", ""), entry["filename"], entry["split"], captions)
    except (KeyError, TypeError, AttributeError) as error:
        raise wrong(card, file, f"images[{number}] has no {error}") from error
