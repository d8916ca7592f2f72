"""Datasets by name: what is at hand is read whole; errors name the file and where it is published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from tests.support import ROOT, data_folder

from scenograph.data import dataset_card, dataset_names, load_captions, load_dataset, load_features
from scenograph.data.tables import Captions
from scenograph.scene.errors import InvalidInput


@pytest.mark.data
def test_wikipedia() -> None:
    root = data_folder("wikipedia").parent
    dataset = load_features("wikipedia", root)
    train, test = dataset.features("train"), dataset.features("test")
    assert (train.image.shape, train.text.shape, train.labels.shape) == ((2173, 128), (2173, 10), (2173, 10))
    assert (test.image.shape, test.text.shape, test.labels.shape) == ((693, 128), (693, 10), (693, 10))
    assert train.image.dtype == train.text.dtype == np.float32
    assert (train.labels.sum(axis=1) == 1).all()
    assert not set(train.ids) & set(test.ids)
    np.testing.assert_allclose(train.text.sum(axis=1), 1, atol=1e-3)  # topic shares


@pytest.mark.data
def test_flickr8k_as_json_lines() -> None:
    dataset = load_captions("flickr8k", data_folder("flickr8k"))
    assert dataset.splits == ("train", "dev", "extra")
    train, dev = dataset.captions("train"), dataset.captions("dev")
    assert (len(train.images), len(dev.images)) == (6000, 1000)
    assert all(len(captions) == 5 for captions in dev.captions)
    assert not set(train.images) & set(dev.images)
    assert all(image.is_file() for image in dev.images[:20])


@pytest.fixture
def official_flickr8k(tmp_path: Path) -> Path:
    texts = tmp_path / "Flickr8k_text"
    texts.mkdir()
    (tmp_path / "Flicker8k_Dataset").mkdir()
    lines = [f"{name}.jpg#{place}\tcaption {place} of {name} ." for name in "abc" for place in (1, 0)]
    (texts / "Flickr8k.token.txt").write_text("\n".join(lines) + "\n")
    for split, name in (("train", "b"), ("dev", "a"), ("test", "c")):
        (texts / f"Flickr_8k.{split}Images.txt").write_text(f"{name}.jpg\n")
    return tmp_path


def test_flickr8k_official_layout(official_flickr8k: Path) -> None:
    dataset = load_captions("flickr8k", official_flickr8k)
    assert isinstance(dataset, Captions) and dataset.splits == ("train", "dev", "test")
    split = dataset.captions("dev")
    assert split.images == (official_flickr8k / "Flicker8k_Dataset" / "a.jpg",)
    assert split.captions == (("caption 0 of a .", "caption 1 of a ."),)


def test_flickr8k_split_without_captions(official_flickr8k: Path) -> None:
    (official_flickr8k / "Flickr8k_text" / "Flickr_8k.devImages.txt").write_text("a.jpg\nzz.jpg\n")
    with pytest.raises(InvalidInput, match=r"token\.txt: has no captions of zz\.jpg"):
        load_captions("flickr8k", official_flickr8k).captions("dev")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"Flickr8k\.token\.txt.*forms\.illinois"):
        load_captions("flickr8k", tmp_path).captions("dev")
    with pytest.raises(InvalidInput, match=r"raw_features\.mat.*svcl"):
        load_features("wikipedia", tmp_path).features("train")
    with pytest.raises(InvalidInput, match="is no folder"):
        load_dataset("wikipedia", tmp_path / "nowhere")


def test_wrong_matlab_file(tmp_path: Path) -> None:
    (tmp_path / "raw_features.mat").write_bytes(b"not a MATLAB file at all" * 20)
    with pytest.raises(InvalidInput, match=r"raw_features\.mat: is no MATLAB file"):
        load_features("wikipedia", tmp_path).features("train")
    savemat(tmp_path / "raw_features.mat", {"I_tr": np.zeros((3, 128))})
    with pytest.raises(InvalidInput, match="has no variable T_tr; it has I_tr"):
        load_features("wikipedia", tmp_path).features("train")


def test_wrong_json_line(tmp_path: Path) -> None:
    good = '{"image": "a.jpg", "captions": ["a dog"], "split": "dev"}\n'
    (tmp_path / "captions.jsonl").write_text(good + '{"image": "b.jpg", "captions": []}\n')
    with pytest.raises(InvalidInput, match=r"captions\.jsonl: line 2: 'captions' must be a list"):
        load_captions("flickr8k", tmp_path)


def test_unknown_names(official_flickr8k: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no dataset 'flickr9k'; there are: .*flickr8k"):
        load_dataset("flickr9k", official_flickr8k)
    with pytest.raises(InvalidInput, match="no split 'val'; it has: train, dev, test"):
        load_captions("flickr8k", official_flickr8k).captions("val")
    with pytest.raises(InvalidInput, match="not of features"):
        load_features("flickr8k", official_flickr8k)


def test_every_card_is_filled() -> None:
    for name in dataset_names():
        card = dataset_card(name)
        assert card.name == name and card.splits and card.files
        assert all((card.title, card.modality, card.protocol, card.terms, card.citation))
        assert card.url.startswith("http")


def test_the_guide_has_every_dataset() -> None:
    guide = (ROOT / "docs/guides/datasets.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in guide.splitlines() if line.startswith("| `")]
    listed = {row[1].strip(" `"): (row[2].strip(), row[4].strip().split(", ")[0]) for row in rows}
    cards = [dataset_card(name) for name in dataset_names()]
    assert listed == {card.name: (card.kind, card.splits[0]) for card in cards}
