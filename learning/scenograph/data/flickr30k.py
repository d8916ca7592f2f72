"""Flickr30k: 31,783 photographs with five captions each, in the usual 29,000 / 1,014 / 1,000 split."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from scenograph.data.card import DatasetCard
from scenograph.data.contracts import CaptionSplit
from scenograph.data.files import find, has, lines, wrong
from scenograph.data.flickr8k import read_tokens
from scenograph.data.karpathy import read_photos, split_of
from scenograph.data.tables import Captions

CARD = DatasetCard(
    name="flickr30k",
    title="Flickr30k",
    kind="captions",
    modality="photographs; five English captions each",
    splits=("train", "dev", "test"),
    protocol="29,000 training, 1,014 development and 1,000 test photographs (Karpathy's split)",
    files=(
        "dataset_flickr30k.json (Karpathy's captions and split)",
        "or results_20130124.token with train.txt, val.txt, test.txt (photo numbers, of Flickr30k Entities)",
        "flickr30k-images/ (the photographs)",
    ),
    url="https://shannon.cs.illinois.edu/DenotationGraph/",
    terms="Captions: research and education. Photographs: their owners', under Flickr's terms of use.",
    citation="P. Young et al., From Image Descriptions to Visual Denotations, TACL 2, 2014.",
)
_PHOTOS = ("flickr30k-images", "flickr30k_images", "images")
_FILE_NAMES = {"train": "train", "dev": "val", "test": "test"}


def load(folder: Path) -> Captions:
    """The dataset in a folder. Errors when a split is read: InvalidInput (missing or wrong files)."""
    return Captions(CARD, CARD.splits, partial(_read, folder))


def _read(folder: Path, split: str) -> CaptionSplit:
    photos = find(CARD, folder, *_PHOTOS, what="the photographs")
    if has(folder, "dataset_flickr30k.json"):
        found = read_photos(CARD, folder / "dataset_flickr30k.json")
        return split_of(
            found, lambda photo: photo.split == _FILE_NAMES[split], lambda photo: photos / photo.name
        )
    tokens = find(CARD, folder, "results_20130124.token", what="or dataset_flickr30k.json")
    listed = find(CARD, folder, f"{_FILE_NAMES[split]}.txt", what="photo numbers of the split")
    captions = read_tokens(CARD, tokens)
    names = [f"{number.strip().removesuffix('.jpg')}.jpg" for number in lines(CARD, listed)]
    bare = next((name for name in names if name not in captions), None)
    if bare is not None:
        raise wrong(CARD, tokens, f"has no captions of {bare}, which {listed.name} lists")
    return CaptionSplit(tuple(photos / name for name in names), tuple(captions[name] for name in names))
