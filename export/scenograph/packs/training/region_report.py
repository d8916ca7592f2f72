"""How well the attribute and relation heads do on the photographs held out of their training, beside chance,
measured colours, the rules, and what is usual between two classes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scenograph.metrics.words import average_precisions
from scenograph.packs.training.region_data import RegionData
from scenograph.prep import decode_image
from scenograph.scene.colour import ANCHORS, ANIMAL, CLOTHES, THING, colour_attributes, exposure
from scenograph.scene.graph import Box
from scenograph.scene.visual_relations import Thing, relate
from scenograph.scene.visual_taxonomy import Taxonomy
from scenograph.scene.vocabulary import Vocabulary
from scenograph.train.default_regions import HeadTask

FloatArray = NDArray[np.float32]
Rows = NDArray[np.int64]
KS = (1, 3, 5)
LEAST = 5
"""Times that a word must be said to be told of."""


def measured_colours(
    photos: Sequence[Path], data: RegionData, rows: Rows, words: Sequence[str], taxonomy: Taxonomy
) -> FloatArray:
    """Scores of the colours that are measured in regions, 0 for those not named.  Shapes: -> (n, W)."""
    labels, view = data.regions, data.seen.view
    scores = np.zeros((len(rows), len(words)), np.float32)
    place = {word: column for column, word in enumerate(words)}
    pixels, shown = None, -1
    for row, label in enumerate(rows.tolist()):
        photo, region = int(labels.photos[label]), int(labels.regions[label])
        if photo != shown:
            pixels, shown = decode_image(photos[photo].read_bytes()), photo
        assert pixels is not None
        name = taxonomy.object_names[int(view.scores[photo, region].argmax())]
        look = ANIMAL if taxonomy.is_a(name, "animal") else CLOTHES if name == "person" else THING
        box = Box(*map(float, view.boxes[photo, region]))
        for colour in colour_attributes(pixels, box, look, gain=exposure(pixels)):
            if colour.name in place:
                scores[row, place[colour.name]] = colour.score
    return scores


def attribute_table(data: RegionData, task: HeadTask, measured: FloatArray) -> list[str]:
    """The held-out rows' average precision of each word: the head's, chance's, that of `measured` colours."""
    rows, words = task.held_out, data.words
    names = (*words.names, *words.attributes, *words.worn)
    targets, weights = task.targets[rows], task.weights[rows]
    learned, often = average_precisions(task.scores(rows), targets, weights, least=LEAST)
    pixels, _ = average_precisions(measured, targets, weights, least=LEAST)
    said = (targets * weights).sum(axis=0)
    lines = ["| word | said | head | chance | pixels |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | {said[place]:.0f} | {100 * learned[place]:.1f} | {100 * often[place]:.1f} "
        f"| {f'{100 * pixels[place]:.1f}' if name in ANCHORS else ''} |"
        for place, name in enumerate(names)
        if not np.isnan(learned[place])
    ]
    colours = [place for place, name in enumerate(names) if name in ANCHORS]
    means = [100 * np.nanmean(one[colours]) for one in (learned, often, pixels)]
    return [
        *lines,
        f"| mean | | {100 * np.nanmean(learned):.1f} | {100 * np.nanmean(often):.1f} | |",
        f"| mean of colours | | {means[0]:.1f} | {means[1]:.1f} | {means[2]:.1f} |",
    ]


def relation_table(data: RegionData, task: HeadTask, taxonomy: Taxonomy) -> list[str]:
    """The share of what captions say of the held-out pairs that is among the k likeliest predicates of a
    pair: by the head, by what is usual between two classes, and by the rules.
    """
    rows = task.held_out
    said = task.targets[rows] > 0
    ways = {
        "head": task.scores(rows),
        "usual between the classes": _usual(data, task, taxonomy),
        "rules": _rules(data, rows, taxonomy),
    }
    lines = [f"| {int(said.sum())} said of {len(rows)} pairs | " + " | ".join(f"R@{k}" for k in KS) + " |"]
    lines.append("|---" * (len(KS) + 1) + "|")
    for way, scores in ways.items():
        found = [100 * _recall(scores, said, k) for k in KS]
        lines.append(f"| {way} | " + " | ".join(f"{one:.1f}" for one in found) + " |")
    return lines


def _recall(scores: FloatArray, said: NDArray[np.bool_], k: int) -> float:
    """Ties rank last, so that what has no score is not found."""
    above = np.array([(row[None] >= row[:, None]).sum(axis=1) for row in scores])
    return float((said & (above <= k) & (scores > scores.min(axis=1, keepdims=True))).sum() / said.sum())


def _usual(data: RegionData, task: HeadTask, taxonomy: Taxonomy) -> FloatArray:
    """How often each predicate is said of pairs of the same classes in training, then of any."""
    general = task.targets[task.training].mean(axis=0)
    sums: dict[tuple[str, str], FloatArray] = defaultdict(lambda: general.copy())
    counts: Counter[tuple[str, str]] = Counter()
    for row in task.training.tolist():
        key = _classes(data, row, taxonomy)
        sums[key] = sums[key] + task.targets[row]
        counts[key] += 1
    keys = [_classes(data, row, taxonomy) for row in task.held_out.tolist()]
    return np.stack([sums[key] / (1 + counts[key]) for key in keys])


def _rules(data: RegionData, rows: Rows, taxonomy: Taxonomy) -> FloatArray:
    """The rules' edge between the two, in either direction that has a word."""
    vocabulary, labels, view = Vocabulary.load(), data.pairs, data.seen.view
    scores = np.zeros((len(rows), labels.targets.shape[1]), np.float32)
    for row, label in enumerate(rows.tolist()):
        photo, pair = int(labels.photos[label]), (int(labels.subjects[label]), int(labels.objects[label]))
        boxes = (Box(*map(float, view.boxes[photo, region])) for region in pair)
        things = [
            Thing(name, box, 1.0) for name, box in zip(_classes(data, label, taxonomy), boxes, strict=True)
        ]
        for edge in relate(things, taxonomy):
            predicate = edge.predicate if edge.subject == 0 else vocabulary.inverse(edge.predicate)
            for column, word in enumerate(data.words.predicates):
                if predicate and vocabulary.predicate_similarity(word, predicate) == 1.0:
                    scores[row, column] = max(scores[row, column], edge.score)
    return scores


def _classes(data: RegionData, row: int, taxonomy: Taxonomy) -> tuple[str, str]:
    labels, scores = data.pairs, data.seen.view.scores
    one, other = (
        taxonomy.object_names[int(scores[labels.photos[row], ends[row]].argmax())]
        for ends in (labels.subjects, labels.objects)
    )
    return one, other
