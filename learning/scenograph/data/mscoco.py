"""MSCOCO captions: 123,287 photographs with five captions each, in Karpathy's or the official split."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from pathlib import Path

from scenograph.data.card import DatasetCard
from scenograph.data.contracts import CaptionSplit
from scenograph.data.files import find, has, read_json, wrong
from scenograph.data.karpathy import Photo, read_photos, split_of
from scenograph.data.tables import Captions

FOLDS = tuple(f"test-1k-{fold}" for fold in range(1, 6))
CARD = DatasetCard(
    name="mscoco",
    title="MSCOCO captions",
    kind="captions",
    modality="photographs; five English captions each",
    splits=("train", "dev", "test", *FOLDS),
    protocol='Karpathy: 113,287 training, 5,000 development, 5,000 test photographs ("5K"); "1K" is the mean '
    "over the five folds of the test photographs. Official: train2014 and val2014 (as dev)",
    files=(
        "dataset_coco.json (Karpathy's captions and split)",
        "or annotations/captions_train2014.json and annotations/captions_val2014.json (official split)",
        "train2014/, val2014/ (the photographs)",
    ),
    url="https://cocodataset.org/#download",
    terms="Annotations: CC BY 4.0. Photographs: their owners', under Flickr's terms of use.",
    citation="X. Chen et al., Microsoft COCO Captions, arXiv:1504.00325, 2015; split: A. Karpathy, "
    "L. Fei-Fei, Deep Visual-Semantic Alignments, CVPR 2015.",
)
_SPLITS = {"train": ("train", "restval"), "dev": ("val",), "test": ("test",)}
_FOLD = 1000


def load(folder: Path) -> Captions:
    """The dataset in a folder. Errors when a split is read: InvalidInput (missing or wrong files)."""
    if has(folder, "dataset_coco.json"):
        return Captions(CARD, CARD.splits, partial(_read_karpathy, folder))
    return Captions(CARD, ("train", "dev"), partial(_read_official, folder))


def _read_karpathy(folder: Path, split: str) -> CaptionSplit:
    photos = read_photos(CARD, folder / "dataset_coco.json")

    def place(photo: Photo) -> Path:
        return folder / photo.folder / photo.name

    if split not in FOLDS:
        return split_of(photos, lambda photo: photo.split in _SPLITS[split], place)
    test = [photo for photo in photos if photo.split == "test"]
    start = FOLDS.index(split) * _FOLD
    return split_of(test[start : start + _FOLD], lambda photo: True, place)


def _read_official(folder: Path, split: str) -> CaptionSplit:
    year = "train2014" if split == "train" else "val2014"
    name = f"captions_{year}.json"
    file = find(CARD, folder, f"annotations/{name}", name, what="or Karpathy's dataset_coco.json")
    value = read_json(CARD, file)
    try:
        names = {image["id"]: image["file_name"] for image in value["images"]}
        captions: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for item in value["annotations"]:
            captions[item["image_id"]].append((item["id"], item["caption"].strip()))
    except (KeyError, TypeError) as error:
        raise wrong(CARD, file, f"is no COCO captions file: no {error}") from error
    stray = next((image for image in captions if image not in names), None)
    if stray is not None:
        raise wrong(CARD, file, f"has a caption of image {stray}, which it does not list")
    order = sorted(captions)
    return CaptionSplit(
        tuple(folder / year / names[image] for image in order),
        tuple(tuple(text for _, text in sorted(captions[image])) for image in order),
    )
