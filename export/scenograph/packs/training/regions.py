"""Trains the default pack's attribute and relation heads: `python -m scenograph.packs.training.regions`, with
a built pack.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scenograph.components import tasks
from scenograph.data.cache import FeatureCache
from scenograph.data.datasets import load_captions
from scenograph.data.digests import digest_files
from scenograph.methods.catalogue import get_method
from scenograph.methods.recipe import Recipe
from scenograph.metrics.words import average_precisions, best_threshold
from scenograph.packs.build.region_heads import ATTRIBUTES, RELATIONS
from scenograph.packs.build.sources import PARSER
from scenograph.packs.build.trained import FOLDER, write_trained
from scenograph.packs.store import file_digest, open_pack
from scenograph.packs.training.region_data import RegionData, region_data
from scenograph.packs.training.region_report import attribute_table, measured_colours, relation_table
from scenograph.scene.parsing import TextParser, load_parser
from scenograph.scene.visual_taxonomy import Taxonomy
from scenograph.scene.visual_words import NEVER, HeadWords
from scenograph.scene.vocabulary import Vocabulary
from scenograph.train.compression import Compression
from scenograph.train.default_regions import LEAST_SEEN, HeadTask
from scenograph.train.trainer import Trainer

METHODS = {ATTRIBUTES: "default-attributes", RELATIONS: "default-relations"}
BETA = 0.7
"""Of the F-measure that decides from which probability a word is said: precision counts twice as much."""
GAIN = 1.5
"""How much better than chance a word must be ranked on held-out photographs to be said at all."""
RANGE = (0.15, 0.85)
NAMED, LIKENED = 0.5, 0.15
"""The least probabilities of a name, since a wrong one costs more than none, and of an attribute, which
matching weighs by its probability.
"""
FloatArray = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a model card says of the data."""

    digest: str
    training: int
    held_out: int


def train_heads(
    data: Path, pack: Path, cache: Path, out: Path, folder: Path, *, photos: int = 0, resume: bool = False
) -> str:
    """Train both heads by their recipes on `data`/flickr8k as the models in the folder `pack` see it, on all
    of its training photographs or the first `photos`.

    Weights, words and cards go to `folder`, checkpoints and curves to `out`. Returns how well they do on the
    held-out photographs, as tables in Markdown.
    Errors: InvalidInput (the data), PackBuildFailed (the text parser's package).
    """
    recipe, vocabulary = get_method(METHODS[ATTRIBUTES]), Vocabulary.load()
    split = load_captions(recipe.data.dataset, data).captions("train")
    images, captions = split.images[: photos or None], split.captions[: photos or None]
    training, held = hold_out(len(images), recipe)
    texts = [caption for own in captions for caption in own]
    graphs = TextParser(load_parser(PARSER.file("description").parent), vocabulary).parse(texts)
    prepared = region_data(
        images, graphs, training, pack=pack, cache=FeatureCache(cache), vocabulary=vocabulary,
        seed=recipe.train.seed,
    )  # fmt: skip
    facts = Facts(digest_files(images), len(training), len(held))
    taxonomy = Taxonomy.from_vocabulary(vocabulary)
    tasks_of = {
        name: fit_head(name, prepared, training, out=out / METHODS[name], resume=resume) for name in METHODS
    }
    attributes, relations = tasks_of[ATTRIBUTES], tasks_of[RELATIONS]
    words = prepared.words
    measured = measured_colours(
        images, prepared, attributes.held_out, (*words.names, *words.attributes, *words.worn), taxonomy
    )
    for name, task in tasks_of.items():
        write_head(name, task, prepared, facts, folder, measured=measured if name == ATTRIBUTES else None)
    tables = [attribute_table(prepared, attributes, measured), relation_table(prepared, relations, taxonomy)]
    return "\n\n".join("\n".join(table) for table in tables) + "\n"


def hold_out(photos: int, recipe: Recipe) -> tuple[Rows, Rows]:
    """The photographs to train on, and those that validate, calibrate and choose limits."""
    order = np.random.default_rng([recipe.train.seed, photos]).permutation(photos)
    held = round(photos * recipe.data.validation)
    return np.sort(order[held:]), np.sort(order[:held])


def fit_head(name: str, data: RegionData, training: Rows, *, out: Path, resume: bool = False) -> HeadTask:
    """Train and calibrate one head on the `training` photographs."""
    recipe = get_method(METHODS[name])
    assert recipe.task is not None
    labels = data.regions if name == ATTRIBUTES else data.pairs
    ours = np.isin(labels.photos, training)
    with torch.random.fork_rng():
        torch.manual_seed(recipe.train.seed)
        task: HeadTask = tasks.build(
            recipe.task.name, data.seen, labels, np.flatnonzero(ours), np.flatnonzero(~ours),
            parameters=recipe.task.parameters,
        )  # fmt: skip
    trainer = Trainer(
        task, optimizer=recipe.optimizer, schedule=recipe.schedule, train=recipe.train, out=out,
        progress=_report,
    )  # fmt: skip
    task.history = trainer.fit(resume=resume)
    task.calibrate()
    return task


def write_head(
    name: str, task: HeadTask, data: RegionData, facts: Facts, folder: Path, *, measured: FloatArray | None
) -> None:
    """The head's weights, words and card."""
    folder.mkdir(parents=True, exist_ok=True)
    words = head_words(name, data, task, measured)
    words.save(folder / f"{name}.json")
    weights = write_trained(name, serving_state(task.module, data.backbone, data.detector), folder)
    weights.with_suffix(".md").write_text(_card(name, words, task, facts, weights), encoding="utf-8")


def head_words(name: str, data: RegionData, task: HeadTask, measured: FloatArray | None = None) -> HeadWords:
    """The head's words, with the probabilities from which they are said: those of the best F-measure on the
    held-out rows, within RANGE, for clothes and predicates; from NAMED that, for names; from LIKENED,
    attributes. Never where these rows rank a word hardly better than chance, or a colour
    worse than it is `measured`.
    """
    rows = task.held_out
    scores, targets, weights = task.scores(rows, calibrated=True), task.targets[rows], task.weights[rows]
    found, often = average_precisions(scores, targets, weights, least=LEAST_SEEN)
    pixels = np.zeros_like(found)
    if measured is not None:
        pixels = np.nan_to_num(average_precisions(measured, targets, weights, least=LEAST_SEEN)[0])
    least = []
    for word in range(targets.shape[1]):
        known = weights[:, word] > 0
        limit = best_threshold(scores[known, word], targets[known, word] >= 0.5, beta=BETA)
        better = found[word] >= GAIN * often[word] or often[word] >= 0.5
        said = better and found[word] >= pixels[word]
        least.append(round(min(max(limit, RANGE[0]), RANGE[1]), 4) if said else NEVER)
    groups = {"names": data.words.names, "attributes": data.words.attributes, "worn": data.words.worn}
    if name == RELATIONS:
        groups = {"predicates": data.words.predicates}
    words = tuple(word for group in groups.values() for word in group)
    sizes = {group: len(own) for group, own in groups.items()}
    unlimited = HeadWords(words, tuple(least), sizes)
    for place in unlimited.places("names"):
        least[place] = max(least[place], NAMED)
    for place in unlimited.places("attributes"):
        least[place] = LIKENED if least[place] < NEVER else NEVER
    return HeadWords(words, tuple(least), sizes)


def serving_state(trained: nn.Module, backbone: Compression, detector: Compression) -> dict[str, Tensor]:
    """The weights of the head that takes the maps' means themselves, not compressed ones."""
    state = dict(trained.state_dict())
    for key, layer in trained.named_modules():
        model = re.split(r"[._]", key)[-1]
        compression = {"backbone": backbone, "detector": detector}.get(model)
        if compression is not None and isinstance(layer, nn.Linear):
            whole = compression.folded(layer)
            state |= {f"{key}.weight": whole.weight, f"{key}.bias": whole.bias}
    return state


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="scenograph.packs.training.regions", description=__doc__)
    data = Path(os.environ.get("SCENOGRAPH_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=data, help="the folder that holds flickr8k/")
    parser.add_argument("--pack", type=Path, help="a default pack's folder; else the newest one's")
    parser.add_argument("--cache", type=Path, default=Path("build/features"), help="features, computed once")
    parser.add_argument("--out", type=Path, default=Path("build/training"), help="checkpoints and curves")
    parser.add_argument("--weights", type=Path, default=FOLDER, help="where weights, words and cards go")
    parser.add_argument("--photos", type=int, default=0, help="only the first N training photographs")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    given = parser.parse_args()
    tables = train_heads(
        given.data, given.pack or open_pack("default").folder, given.cache, given.out, given.weights,
        photos=given.photos, resume=given.resume,
    )  # fmt: skip
    sys.stdout.write(tables)


def _card(name: str, words: HeadWords, task: HeadTask, facts: Facts, weights: Path) -> str:
    recipe = get_method(METHODS[name])
    best = max(task.history, key=lambda values: values[recipe.train.metric])
    rows = "\n".join(f"| {key} | {value:.4g} |" for key, value in best.items())
    what = {
        ATTRIBUTES: "Regions of images, to words said of them: names of people, attributes, clothes",
        RELATIONS: "Ordered pairs of regions of images, to predicates",
    }[name]
    return f"""# {name}

{what}
(`scenograph.nn.{name}`); `{name}.json` holds {len(words.words)} words, and the probability from which each
is said. A probability is that of being said by one of five captions that speak of the region.

| | |
|---|---|
| recipe | `{recipe.key}`, seed {recipe.train.seed}, {recipe.train.epochs} epochs at most |
| trained on | Flickr8k (Hodosh et al. 2013): {task.rows} rows of {facts.training} training photographs |
| calibrated on | {len(task.held_out)} rows of {facts.held_out} others, which chose the limits too |
| data digest | `{facts.digest}` |
| weights' digest | `{file_digest(weights)}` |
| licence | weights Apache-2.0, like this repository; Flickr8k is for research and is not part of it |

Best epoch; the mean of the words' average precision on the held-out photographs, and what chance gives, in
per cent:

| | |
|---|---|
{rows}
"""


def _report(what: str, done: int, total: int) -> None:
    if done % 50 == 0 or done == total:
        sys.stderr.write(f"\r{what}, step {done} of {total} ")
        sys.stderr.flush()


if __name__ == "__main__":
    main()
