"""Stages of the label names and their text vectors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from scenograph.packs.build.sources import DETECTOR
from scenograph.packs.build.stage import Result
from scenograph.packs.build.text import TextVectors
from scenograph.scene.vocabulary.tables import read_coco, read_imagenet, read_tree

# Where two classes share a first synonym, the name that tells them apart.
_DISTINCT = {134: "crane bird", 517: "construction crane", 638: "maillot tights", 639: "maillot swimsuit"}


def build_vocabulary(work: Path) -> Result:
    """vocabulary.json: the detector's objects and the backbone's classes, in output order."""
    synonyms = DETECTOR.file("ImageNet class names").read_text("utf-8").splitlines()
    content = {
        "objects": read_coco(),
        "classes": [_DISTINCT.get(index, line.split(",")[0].strip()) for index, line in enumerate(synonyms)],
        "class_synonyms": synonyms,
        "class_nouns": read_imagenet(read_tree("nouns.txt")),
    }
    text = json.dumps(content, ensure_ascii=False, indent=1)
    (work / "vocabulary.json").write_text(text + "\n", "utf-8")
    return Result(["vocabulary.json"])


def build_label_vectors(work: Path) -> Result:
    """label_vectors.npz: every word that an image's graph can hold, `names`, and its `vectors` (n, 384)."""
    names = list(dict.fromkeys(graph_words()))
    vectors = TextVectors(work).array(names)
    np.savez(work / "label_vectors.npz", allow_pickle=False, names=np.array(names), vectors=vectors)
    return Result(["label_vectors.npz"])


def graph_words() -> list[str]:
    """The vocabulary's object names, attributes and relations."""
    nouns = read_tree("nouns.txt")
    classes = read_imagenet(nouns)  # adds to the nouns those that only ImageNet has
    tables = [read_tree(name) for name in ("attributes.txt", "prepositions.txt", "verbs.txt")]
    return [*read_coco(), *classes, *nouns, *(word for table in tables for word in table)]
