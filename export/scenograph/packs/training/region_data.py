"""What the default pack's attribute and relation heads are trained on: Flickr8k's photographs as the pack's
vision models see them, their regions met with the graphs of their captions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenograph.data.cache import FeatureCache
from scenograph.data.region_labels import Meeting, Told
from scenograph.data.region_words import Chosen, choose_words, name_targets, word_targets
from scenograph.data.views import ORIGINAL
from scenograph.packs.training.matcher_data import Looking, compressed_view
from scenograph.scene.graph import SceneGraph
from scenograph.scene.vocabulary import Vocabulary
from scenograph.train.compression import Compression
from scenograph.train.region_data import PairLabels, RegionLabels, SeenPhotos
from scenograph.train.units import UnitView

COMPONENTS = 384
SAMPLE = 500
CHANNELS = 1280
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class RegionData:
    """Photographs with the labels of their regions and of pairs of these, and how means were compressed."""

    seen: SeenPhotos
    words: Chosen
    regions: RegionLabels
    pairs: PairLabels
    backbone: Compression
    detector: Compression


def region_data(
    photos: Sequence[Path],
    graphs: Sequence[SceneGraph],
    training: Rows,
    *,
    pack: Path,
    cache: FeatureCache,
    vocabulary: Vocabulary,
    seed: int,
) -> RegionData:
    """The data of photographs, and of their captions' graphs, as many of each. Words and compression are
    taken from the `training` rows alone.

    `pack`: a folder with the default pack's vision models.
    """
    looking = Looking(pack)
    entry = cache.compute(photos, looking.name, looking, [ORIGINAL], batch=1)[ORIGINAL.name]
    return labelled(entry, graphs, training, vocabulary, seed)


def labelled(
    entry: Mapping[str, NDArray[Any]],
    graphs: Sequence[SceneGraph],
    training: Rows,
    vocabulary: Vocabulary,
    seed: int,
) -> RegionData:
    """The data of photographs that `Looking` has seen."""
    sample = np.sort(np.random.default_rng(seed).permutation(training)[:SAMPLE])
    compressed = {
        name: Compression.fit(
            np.asarray(entry[name][sample], dtype=np.float32).reshape(-1, entry[name].shape[-1]), COMPONENTS
        )
        for name in ("backbone", "detector")
    }
    view = compressed_view(dict(entry), compressed)
    whole = {
        name: compressed[name].apply(np.asarray(getattr(view, pooled)[:, :CHANNELS], dtype=np.float32))
        for name, pooled in (("backbone", "pooled"), ("detector", "detector_pooled"))
    }
    told = tell(view, graphs, vocabulary)
    words = choose_words((told[photo] for photo in training), vocabulary)
    return RegionData(
        SeenPhotos(view, whole["backbone"], whole["detector"]),
        words,
        region_labels(told, words, vocabulary),
        pair_labels(told, words, vocabulary),
        compressed["backbone"],
        compressed["detector"],
    )


def tell(view: UnitView, graphs: Sequence[SceneGraph], vocabulary: Vocabulary) -> list[Told]:
    """What each photograph's captions say of its regions; `graphs` has as many for every photograph."""
    meeting = Meeting(vocabulary.object_names, vocabulary)
    each = len(graphs) // len(view.regions)
    told = []
    for photo, count in enumerate(view.regions.tolist()):
        scores = np.asarray(view.scores[photo, :count], dtype=np.float32)
        own = graphs[photo * each : (photo + 1) * each]
        told.append(meeting.told(own, scores, view.boxes[photo, :count]))
    return told


def region_labels(told: Sequence[Told], words: Chosen, vocabulary: Vocabulary) -> RegionLabels:
    """The regions that captions speak of: names, then attributes, then clothes."""
    rows = [(photo, region) for photo, one in enumerate(told) for region in sorted(one.met)]
    names, known = name_targets(told, rows, words.names, vocabulary)
    attributes = word_targets(
        [told[photo].attributes[region] for photo, region in rows],
        words.attributes,
        lambda word, said: vocabulary.attribute_similarity(word, said) == 1.0,
    )
    worn = word_targets(
        [told[photo].worn[region] for photo, region in rows],
        words.worn,
        lambda word, said: vocabulary.is_a(said, word),
    )
    people = known.any(axis=1, keepdims=True).astype(np.float32)
    weights = [known, np.ones_like(attributes), np.broadcast_to(people, worn.shape)]
    photos, regions = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    return RegionLabels(
        photos, regions, np.concatenate([names, attributes, worn], axis=1), np.concatenate(weights, axis=1)
    )


def pair_labels(told: Sequence[Told], words: Chosen, vocabulary: Vocabulary) -> PairLabels:
    """The ordered pairs of regions that a caption speaks of together."""
    rows = [(photo, *pair) for photo, one in enumerate(told) for pair in sorted(one.together)]
    targets = word_targets(
        [told[photo].relations[subject, object_] for photo, subject, object_ in rows],
        words.predicates,
        lambda word, said: vocabulary.predicate_similarity(word, said) == 1.0,
    )
    photos, subjects, objects = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return PairLabels(photos, subjects, objects, targets)
