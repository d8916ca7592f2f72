"""What the default pack's matcher is trained on: Flickr8k as the pack's own models see and read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenograph.data.cache import FeatureCache
from scenograph.data.compositional import KINDS, Corpus, Negative, negatives
from scenograph.data.tokens import TextFeatures, TokenStates
from scenograph.data.views import FLIP, ORIGINAL, Pixels
from scenograph.onnx.parity import OnnxModel
from scenograph.packs.store import file_digest
from scenograph.packs.training.swapped import swaps
from scenograph.prep import Tokenizer, backbone_input, detector_input
from scenograph.scene.graph import SceneGraph
from scenograph.scene.parsing import TextParser
from scenograph.scene.text_parts import text_inputs, text_parts
from scenograph.scene.visual_detection import detect
from scenograph.scene.visual_units import GRID, REGIONS, unit_places, visual_inputs
from scenograph.train.compression import Compression
from scenograph.train.default_matcher import MatcherData
from scenograph.train.units import PartStates, UnitView

OBJECTS, RELATIONS = 6, 5
COMPONENTS = 384
SAMPLE = 1500
LAYOUT = "units-1"
"""Changes with what is made of the models' answers."""
REPLACED = tuple(kind for kind in KINDS if kind.startswith("replace"))
SHARE = 0.4  # of captions that have something replaced
Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The data, and how the maps' means were compressed."""

    data: MatcherData
    backbone: Compression
    detector: Compression


class Looking:
    """The pack's vision models on photographs, for the feature cache."""

    def __init__(self, pack: Path) -> None:
        self.files = [pack / "detector.onnx", pack / "backbone.onnx"]
        self._detector, self._backbone = (OnnxModel(file) for file in self.files)

    @property
    def name(self) -> str:
        """All that the features depend on besides the photos."""
        return " ".join([LAYOUT, *(file_digest(file) for file in self.files)])

    def __call__(self, photos: Sequence[Pixels]) -> dict[str, Array]:
        """What `UnitView` holds, before compression, float16 where that does no harm."""
        rows = [self._one(photo) for photo in photos]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def _one(self, photo: Pixels) -> dict[str, Array]:
        found = self._detector({"image": detector_input(photo)[None]})
        seen = self._backbone({"image": backbone_input(photo)[None]})
        places = unit_places(detect(found["boxes"][0], found["scores"][0]))
        maps = {"backbone": seen["map"][0], "detector": found["map"][0]}
        feeds = visual_inputs(places, maps, seen["features"][0], found["features"][0])
        regions = len(places.boxes) - GRID * GRID
        row = {name: _spread(feeds[name][0], regions).astype(np.float16) for name in ("backbone", "detector")}
        scores = np.zeros((REGIONS, places.scores.shape[1]), dtype=np.float16)
        scores[:regions] = places.scores[:regions]
        row["boxes"] = _spread(places.boxes, regions)
        pooled = feeds["pooled"][0].astype(np.float16)
        return {
            **row,
            "scores": scores,
            "regions": np.array(regions),
            "pooled": pooled[: len(pooled) // 2],
            "detector_pooled": pooled[len(pooled) // 2 :],
        }


def prepare(
    photos: Sequence[Path],
    captions: Sequence[Sequence[str]],
    training: NDArray[np.int64],
    *,
    pack: Path,
    parser: TextParser,
    cache: FeatureCache,
    seed: int,
) -> Prepared:
    """The data of these photos and their captions. Negatives' words and the compression are learnt from the
    `training` rows alone.

    `pack`: a folder with the default pack's vision models, text encoder and tokenizer.
    """
    views, compressed = seen_views(photos, training, pack=pack, cache=cache, seed=seed)
    texts = [caption for own in captions for caption in own]
    each = len(captions[0])
    graphs = parser.parse(texts)
    false = _false_captions(texts, graphs, training, each, seed)
    made = [negative.text for _, negative in false]
    reading = Reading(pack)
    rows = np.array([row for row, _ in false], dtype=np.int64)
    data = MatcherData(
        views,
        part_states(texts, graphs, cache.compute_tokens(texts, reading.name, reading), reading),
        part_states(made, parser.parse(made), cache.compute_tokens(made, reading.name, reading), reading),
        np.searchsorted(rows, np.arange(len(texts) + 1)),
        each,
    )
    return Prepared(data, compressed["backbone"], compressed["detector"])


def seen_views(
    photos: Sequence[Path], training: NDArray[np.int64], *, pack: Path, cache: FeatureCache, seed: int
) -> tuple[list[UnitView], dict[str, Compression]]:
    """The units of these photos, as they are and mirrored, and how their maps' means were compressed."""
    looking = Looking(pack)
    entries = cache.compute(photos, looking.name, looking, [ORIGINAL, FLIP], batch=1)
    sample = np.sort(np.random.default_rng(seed).permutation(training)[:SAMPLE])
    compressed = {}
    for name in ("backbone", "detector"):
        features = np.asarray(entries[ORIGINAL.name][name][sample], dtype=np.float32)
        compressed[name] = Compression.fit(features.reshape(-1, features.shape[-1]), COMPONENTS)
    return [compressed_view(entries[view.name], compressed) for view in (ORIGINAL, FLIP)], compressed


class Reading:
    """The pack's text encoder, for the feature cache."""

    def __init__(self, pack: Path) -> None:
        self._file = pack / "text_encoder.onnx"
        self._model = OnnxModel(self._file)
        self.tokenizer = Tokenizer(pack / "tokenizer.json")

    @property
    def name(self) -> str:
        return file_digest(self._file)

    def __call__(self, texts: Sequence[str]) -> TextFeatures:
        tokens = self.tokenizer.encode_batch(texts)
        read = self._model({"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask})
        return TextFeatures(tokens.input_ids, tokens.attention_mask, read["tokens"], read["sentence"])


def _false_captions(
    texts: Sequence[str], graphs: Sequence[SceneGraph], training: NDArray[np.int64], each: int, seed: int
) -> list[tuple[int, Negative]]:
    """Each with its caption's row, in order: swaps where there are any, something replaced in some."""
    known = [int(photo) * each + number for photo in training for number in range(each)]
    corpus = Corpus.of([texts[row] for row in known], [graphs[row] for row in known])
    rng = np.random.default_rng(seed)
    found = []
    for row, (text, graph) in enumerate(zip(texts, graphs, strict=True)):
        first = row - row % each
        also = [graphs[other] for other in range(first, first + each) if other != row]
        kinds = [kind for kind in KINDS if kind.startswith("swap")]
        if rng.random() < SHARE:
            kinds += [REPLACED[int(rng.integers(len(REPLACED)))]]
        own = negatives(text, graph, rng, corpus, also=also, kinds=kinds) + swaps(text, graph, rng)
        found += [(row, negative) for negative in own]
    return found


def part_states(
    texts: Sequence[str], graphs: Sequence[SceneGraph], tokens: TokenStates, reading: Reading
) -> PartStates:
    count, size = len(texts), tokens.states.shape[1]
    shapes = {"heads": OBJECTS, "attributes": OBJECTS, "predicates": RELATIONS}
    states = {name: np.zeros((count, rows, size), np.float16) for name, rows in shapes.items()}
    ends = np.zeros((count, RELATIONS, 2), np.int8)
    sizes = np.zeros((2, count), np.int64)
    for row, (text, graph) in enumerate(zip(texts, graphs, strict=True)):
        parts = text_parts(text, graph).affirmed().cut(OBJECTS, RELATIONS)
        feeds = text_inputs(parts, reading.tokenizer.encode_batch([text]).spans[0])
        own = tokens.caption(row).astype(np.float32)
        sizes[:, row] = len(parts.objects), len(parts.relations)
        for name, rows in shapes.items():
            states[name][row, : min(rows, feeds[name].shape[1])] = feeds[name][0] @ own
        ends[row, : sizes[1, row]] = [given for _, *given in parts.relations] or np.zeros((0, 2))
    return PartStates(**states, ends=ends, objects=sizes[0], relations=sizes[1], sentence=tokens.sentence)


def compressed_view(entry: dict[str, Array], compressed: dict[str, Compression]) -> UnitView:
    means = {}
    for name, compression in compressed.items():
        features = entry[name]
        means[name] = np.empty((*features.shape[:2], COMPONENTS), dtype=np.float16)
        for start in range(0, len(features), 500):
            means[name][start : start + 500] = compression.apply(
                np.asarray(features[start : start + 500], dtype=np.float32)
            )
    rest = ("scores", "boxes", "regions", "pooled", "detector_pooled")
    return UnitView(**means, **{name: entry[name] for name in rest})


def _spread(rows: Array, regions: int) -> Array:
    """Rows of regions, padded to REGIONS, then those of cells."""
    spread = np.zeros((REGIONS + GRID * GRID, *rows.shape[1:]), dtype=rows.dtype)
    spread[:regions], spread[REGIONS:] = rows[:regions], rows[regions:]
    return spread
