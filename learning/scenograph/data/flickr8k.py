"""Flickr8k: 8,000 photographs with five captions each, in the official 6,000 / 1,000 / 1,000 split."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from scenograph.data.card import DatasetCard
from scenograph.data.contracts import CaptionSplit
from scenograph.data.files import find, has, lines, wrong
from scenograph.data.jsonl import FILE, load_jsonl
from scenograph.data.tables import Captions

CARD = DatasetCard(
    name="flickr8k",
    title="Flickr8k",
    kind="captions",
    modality="photographs; five English captions each",
    splits=("train", "dev", "test"),
    protocol="6,000 training, 1,000 development and 1,000 test photographs",
    files=(
        "Flickr8k.token.txt, Flickr_8k.{train,dev,test}Images.txt (also in Flickr8k_text/)",
        "Flicker8k_Dataset/ (the photographs)",
        "or captions.jsonl with the photographs where it says",
    ),
    url="https://forms.illinois.edu/sec/1713398",
    terms="Captions: research and education. Photographs: their owners', under Flickr's terms of use.",
    citation="M. Hodosh, P. Young, J. Hockenmaier, Framing Image Description as a Ranking Task, JAIR 2013.",
)


def load(folder: Path) -> Captions:
    """The dataset in the official layout, or as JSON lines where the folder has captions.jsonl.

    Errors: InvalidInput where files are missing or not as published.
    """
    if has(folder, FILE):
        return load_jsonl(CARD, folder / FILE)
    return Captions(CARD, CARD.splits, partial(_read, folder))


def _read(folder: Path, split: str) -> CaptionSplit:
    tokens = find(CARD, folder, "Flickr8k.token.txt", "Flickr8k_text/Flickr8k.token.txt")
    listed = tokens.parent / f"Flickr_8k.{split}Images.txt"
    photos = find(CARD, folder, "Flicker8k_Dataset", "Flickr8k_Dataset", "Images", what="the photographs")
    captions = read_tokens(CARD, tokens)
    names = [name.strip() for name in lines(CARD, find(CARD, tokens.parent, listed.name))]
    bare = [name for name in names if name not in captions]
    if bare:
        raise wrong(CARD, tokens, f"has no captions of {bare[0]}, which {listed.name} lists")
    return CaptionSplit(tuple(photos / name for name in names), tuple(captions[name] for name in names))


def read_tokens(card: DatasetCard, file: Path) -> dict[str, tuple[str, ...]]:
    """The captions of each photo from lines "photo.jpg#0<tab>caption", in the order of their numbers."""
    found: dict[str, list[tuple[int, str]]] = {}
    for number, line in enumerate(lines(card, file), start=1):
        key, tab, caption = line.partition("\t")
        photo, mark, place = key.rpartition("#")
        if not tab or not mark or not place.isdigit():
            raise wrong(card, file, f"line {number} is not: photo.jpg#0, tab, caption")
        found.setdefault(photo, []).append((int(place), caption.strip()))
    return {photo: tuple(caption for _, caption in sorted(captions)) for photo, captions in found.items()}
