"""Datasets that are not at hand, read from small files in their published layouts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from scenograph.data import load_captions, load_features, mirflickr25k, nuswide_tc10
from scenograph.scene.errors import InvalidInput

RANDOM = np.random.default_rng(0)


def karpathy(file: Path, entries: list[tuple[str, str, str]]) -> None:
    images: list[dict[str, Any]] = []
    for folder, name, split in entries:
        sentences = [{"raw": f"{name} {place}", "tokens": []} for place in range(5)]
        images.append({"filename": name, "split": split, "sentences": sentences})
        if folder:
            images[-1]["filepath"] = folder
    file.write_text(json.dumps({"images": images, "dataset": "x"}))


def test_flickr30k_of_karpathy(tmp_path: Path) -> None:
    (tmp_path / "flickr30k-images").mkdir()
    entries = [("", "1.jpg", "train"), ("", "2.jpg", "val"), ("", "3.jpg", "train"), ("", "4.jpg", "test")]
    karpathy(tmp_path / "dataset_flickr30k.json", entries)
    dataset = load_captions("flickr30k", tmp_path)
    assert [path.name for path in dataset.captions("train").images] == ["1.jpg", "3.jpg"]
    assert dataset.captions("dev").captions[0] == tuple(f"2.jpg {place}" for place in range(5))
    assert dataset.captions("test").images == (tmp_path / "flickr30k-images" / "4.jpg",)


def test_flickr30k_official(tmp_path: Path) -> None:
    (tmp_path / "flickr30k_images").mkdir()
    lines = [f"{photo}.jpg#{place}\tCaption {place} of {photo}." for photo in (7, 8) for place in range(5)]
    (tmp_path / "results_20130124.token").write_text("\n".join(lines))
    (tmp_path / "val.txt").write_text("8\n")
    split = load_captions("flickr30k", tmp_path).captions("dev")
    assert split.images == (tmp_path / "flickr30k_images" / "8.jpg",)
    assert split.captions[0][4] == "Caption 4 of 8."
    with pytest.raises(InvalidInput, match=r"train\.txt \(photo numbers of the split\): Flickr30k needs it"):
        load_captions("flickr30k", tmp_path).captions("train")


def test_mscoco_of_karpathy(tmp_path: Path) -> None:
    entries = [("train2014", "a.jpg", "train"), ("val2014", "b.jpg", "restval"), ("val2014", "c.jpg", "val")]
    entries += [("val2014", f"t{number}.jpg", "test") for number in range(1500)]
    karpathy(tmp_path / "dataset_coco.json", entries)
    dataset = load_captions("mscoco", tmp_path)
    assert [path.name for path in dataset.captions("train").images] == ["a.jpg", "b.jpg"]
    assert dataset.captions("dev").images == (tmp_path / "val2014" / "c.jpg",)
    assert len(dataset.captions("test").images) == 1500
    assert [len(dataset.captions(f"test-1k-{fold}").images) for fold in (1, 2, 3)] == [1000, 500, 0]
    assert dataset.captions("test-1k-2").images[0].name == "t1000.jpg"


def test_mscoco_official(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    value = {
        "images": [
            {"id": 9, "file_name": "COCO_val2014_9.jpg"},
            {"id": 4, "file_name": "COCO_val2014_4.jpg"},
        ],
        "annotations": [
            {"image_id": 9, "id": 2, "caption": "second "},
            {"image_id": 4, "id": 3, "caption": "other"},
            {"image_id": 9, "id": 1, "caption": "first"},
        ],
    }
    file = tmp_path / "annotations" / "captions_val2014.json"
    file.write_text(json.dumps(value))
    dataset = load_captions("mscoco", tmp_path)
    assert dataset.splits == ("train", "dev")
    split = dataset.captions("dev")
    assert split.images == tuple(tmp_path / "val2014" / f"COCO_val2014_{name}.jpg" for name in (4, 9))
    assert split.captions == (("other",), ("first", "second"))
    file.write_text('{"images": []}')
    with pytest.raises(InvalidInput, match="is no COCO captions file: no 'annotations'"):
        dataset.captions("dev")


def triple(folder: Path, rows: int, names: tuple[str, str, str]) -> tuple[Any, Any, Any]:
    image, text = RANDOM.normal(size=(rows, 6)), RANDOM.integers(0, 2, (rows, 4))
    labels = np.eye(3)[RANDOM.integers(0, 3, rows)]
    savemat(folder / names[0], {"XAll": image})
    savemat(folder / names[1], {"YAll": csc_matrix(text.astype(float))})  # some copies are sparse
    with h5py.File(folder / names[2], "w") as file:  # and some are of MATLAB 7.3
        file["LAll"] = labels.T
        file["LAll"].attrs["MATLAB_class"] = np.bytes_("double")
    return image, text, labels


MIR = ("mirflickr25k-iall-vgg{}.mat", "mirflickr25k-yall{}.mat", "mirflickr25k-lall{}.mat")


def test_mirflickr_triples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirflickr25k, "QUERIES", 20)
    image, text, labels = triple(tmp_path, 100, tuple(name.format("") for name in MIR))  # type: ignore[arg-type]
    dataset = load_features("mirflickr25k", tmp_path)
    train, test = dataset.features("train"), dataset.features("test")
    assert (len(train.ids), len(test.ids)) == (80, 20)
    rows = [int(name) for name in (*train.ids, *test.ids)]
    assert sorted(rows) == list(range(100)) and rows != list(range(100))
    np.testing.assert_array_equal(np.concatenate([train.image, test.image]), image[rows].astype(np.float32))
    np.testing.assert_array_equal(np.concatenate([train.text, test.text]), text[rows])
    np.testing.assert_array_equal(np.concatenate([train.labels, test.labels]), labels[rows] > 0)
    assert test.ids == load_features("mirflickr25k", tmp_path).features("test").ids


def test_shuffled_triples_keep_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirflickr25k, "QUERIES", 20)
    triple(tmp_path, 100, tuple(name.format("-rand") for name in MIR))  # type: ignore[arg-type]
    dataset = load_features("mirflickr25k", tmp_path)
    assert dataset.features("test").ids == tuple(map(str, range(80, 100)))
    assert dataset.features("train-5000").ids == tuple(map(str, range(80)))


def test_triples_of_unequal_rows(tmp_path: Path) -> None:
    triple(tmp_path, 30, tuple(name.format("") for name in MIR))  # type: ignore[arg-type]
    savemat(tmp_path / "mirflickr25k-yall.mat", {"YAll": np.ones((29, 4))})
    with pytest.raises(InvalidInput, match=r"has 30 rows, mirflickr25k-yall\.mat 29"):
        load_features("mirflickr25k", tmp_path).features("test")


def test_mirflickr_as_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirflickr25k, "PHOTOS", 12)
    monkeypatch.setattr(mirflickr25k, "QUERIES", 3)
    notes, tags = tmp_path / "mirflickr25k_annotations_v080", tmp_path / "mirflickr" / "meta" / "tags"
    notes.mkdir()
    tags.mkdir(parents=True)
    (tmp_path / "mirflickr" / "doc").mkdir()
    (tmp_path / "mirflickr" / "doc" / "common_tags.txt").write_text("sky 30\nsea 20\n")
    for number in range(1, 13):
        (tags / f"tags{number}.txt").write_bytes(b"caf\xe9\n" + (b"sea\n" if number % 2 else b"sky\nsea\n"))
    (tags / "tags5.txt").write_text("rare\n")  # no common tag: left out
    for index in range(24):
        (notes / f"class{index:02}.txt").write_text("1\n2\n" if index else "\n".join(map(str, range(1, 12))))
        (notes / f"class{index:02}_r1.txt").write_text("1\n")  # photo 12 has no class: left out
    (notes / "README.txt").write_text("about")
    image = RANDOM.normal(size=(12, 5)).astype(np.float32)
    savemat(tmp_path / "mirflickr25k-iall-vgg.mat", {"XAll": image})
    dataset = load_features("mirflickr25k", tmp_path)
    parts = [dataset.features(split) for split in ("train", "test")]
    ids = [name for part in parts for name in part.ids]
    assert sorted(ids) == sorted(f"im{number}" for number in range(1, 12) if number != 5)
    for part in parts:
        for name, seen, said, labels in zip(part.ids, part.image, part.text, part.labels, strict=True):
            number = int(name[2:])
            np.testing.assert_array_equal(seen, image[number - 1])
            assert said.tolist() == [float(number % 2 == 0), 1.0]
            assert labels.sum() == (24 if number <= 2 else 1)


def nuswide(folder: Path, photos: int) -> tuple[Any, Any]:
    for name in ("Groundtruth/AllLabels", "NUS_WID_Tags", "ImageList"):
        (folder / name).mkdir(parents=True)
    labels = RANDOM.integers(0, 2, (photos, 12))
    labels[:, 3] = labels[:, 7] = 0  # the two concepts that are not among the ten
    labels[5] = 0
    for column in range(12):
        file = folder / "Groundtruth" / "AllLabels" / f"Labels_c{column:02}.txt"
        file.write_text("".join(f"{value}\n" for value in labels[:, column]))
    tags = RANDOM.integers(0, 2, (photos, 1000))
    (folder / "NUS_WID_Tags" / "AllTags1k.txt").write_text(
        "".join(" ".join(map(str, row)) + " \n" for row in tags)
    )
    (folder / "ImageList" / "Imagelist.txt").write_text("".join(f"a\\{row}.jpg\n" for row in range(photos)))
    return labels, tags


def test_nuswide_as_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nuswide_tc10, "QUERIES", 10)
    labels, tags = nuswide(tmp_path, 60)
    words = RANDOM.integers(0, 9, (60, 500))
    (tmp_path / "BoW_int.dat").write_text("".join("\t".join(map(str, row)) + "\n" for row in words))
    dataset = load_features("nuswide_tc10", tmp_path)
    train, test = dataset.features("train"), dataset.features("test")
    rows = [int(name[2:-4]) for name in (*train.ids, *test.ids)]
    assert len(test.ids) == 10 and sorted(rows) == [row for row in range(60) if labels[row].any()]
    ten = [column for column in range(12) if column not in (3, 7)]
    np.testing.assert_array_equal(np.concatenate([train.labels, test.labels]), labels[rows][:, ten] > 0)
    np.testing.assert_array_equal(np.concatenate([train.text, test.text]), tags[rows])
    np.testing.assert_array_equal(np.concatenate([train.image, test.image]), words[rows])


def test_nuswide_low_level_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nuswide_tc10, "QUERIES", 10)
    nuswide(tmp_path, 30)
    (tmp_path / "Low_Level_Features").mkdir()
    for place, (name, size) in enumerate({"CH": 64, "CM55": 225, "CORR": 144, "EDH": 73, "WT": 128}.items()):
        text = "".join(" ".join([f"{row}.{place}"] * size) + "\n" for row in range(30))
        (tmp_path / "Low_Level_Features" / f"Normalized_{name}.dat").write_text(text)
    test = load_features("nuswide_tc10", tmp_path).features("test")
    assert test.image.shape == (10, 634)
    assert test.image[0, 0] == np.float32(float(test.ids[0][2:-4])) and test.image[0, -1] % 1 > 0.3
    (tmp_path / "Low_Level_Features" / "Normalized_WT.dat").write_text("1 2 3\n" * 30)
    with pytest.raises(InvalidInput, match=r"Normalized_WT\.dat: line \d+ has 3 numbers, 128 were expected"):
        load_features("nuswide_tc10", tmp_path).features("test")


def test_pascal_voc(tmp_path: Path) -> None:
    kinds = [("filename", object), ("objectcount", object), ("taglist", object), ("gist", object)]

    def structs(names: str, counts: list[list[int]]) -> Any:
        found = np.empty((1, len(names)), kinds)
        for place, (name, count) in enumerate(zip(names, counts, strict=True)):
            objects = np.zeros((1, 20))
            objects[0, count] = 2
            tags = np.array([[1, 399, 1]]) if name != "d" else np.zeros((0, 0))
            found[0, place] = (f"{name}.jpg", objects, tags, np.full((1, 512), place))
        return found

    savemat(tmp_path / "train.mat", {"D1": structs("ab", [[3], [1, 2]]), "D2": structs("cd", [[0], [19]])})
    split = load_features("pascal_voc", tmp_path).features("train")
    assert split.ids == ("a.jpg", "c.jpg", "d.jpg")  # b shows two classes
    assert split.labels.argmax(axis=1).tolist() == [3, 0, 19]
    assert split.image.shape == (3, 512) and split.text.shape == (3, 399)
    assert split.text[0, [0, 398]].tolist() == [2.0, 1.0] and split.text[2].sum() == 0
    savemat(tmp_path / "test.mat", {"D1": np.zeros((1, 2)), "D2": np.zeros((1, 2))})
    with pytest.raises(InvalidInput, match="D1 and D2 are not the published structs"):
        load_features("pascal_voc", tmp_path).features("test")


def test_xmedia(tmp_path: Path) -> None:
    values = {
        "I_tr_CNN": np.ones((4, 8)),
        "T_tr_BOW": np.zeros((4, 5)),
        "trImgCat": np.array([[1], [20], [3], [3]]),
        "trTxtCat": np.array([[1], [20], [3], [3]]),
    }
    savemat(tmp_path / "XMediaFeatures.mat", values)
    split = load_features("xmedia", tmp_path).features("train")
    assert split.labels.argmax(axis=1).tolist() == [0, 19, 2, 2] and split.labels.shape == (4, 20)
    savemat(tmp_path / "XMediaFeatures.mat", {**values, "trTxtCat": np.array([[1], [2], [3], [3]])})
    with pytest.raises(InvalidInput, match="pictures and texts are not in pairs"):
        load_features("xmedia", tmp_path).features("train")


def test_unsound_features_are_refused(tmp_path: Path) -> None:
    categories = np.array([[1], [2]])
    values = {"I_tr_CNN": np.array([[1.0], [np.nan]]), "T_tr_BOW": np.zeros((2, 5))}
    savemat(tmp_path / "XMediaFeatures.mat", {**values, "trImgCat": categories, "trTxtCat": categories})
    with pytest.raises(InvalidInput, match="image features hold NaN"):
        load_features("xmedia", tmp_path).features("train")
    values["I_tr_CNN"] = np.ones((3, 1))
    savemat(tmp_path / "XMediaFeatures.mat", {**values, "trImgCat": categories, "trTxtCat": categories})
    with pytest.raises(InvalidInput, match=r"image has shape \(3, 1\), but there are 2 items"):
        load_features("xmedia", tmp_path).features("train")
