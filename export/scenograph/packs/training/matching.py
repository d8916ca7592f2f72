"""What fine-grained matchers are trained on: captioned photos as the default pack sees and reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import platformdirs

from scenograph.components import sources
from scenograph.data.cache import FeatureCache
from scenograph.data.contracts import CaptionSplit
from scenograph.data.datasets import load_captions
from scenograph.methods.recipe import Recipe
from scenograph.packs.store import open_pack
from scenograph.packs.training.matcher_data import Reading, part_states, seen_views
from scenograph.scene.parsing import TextParser, load_parser
from scenograph.train.matching import MatchingData
from scenograph.train.task import RowArray


@sources("matching.v1")
def matching_source(data: Path, recipe: Recipe) -> tuple[Recipe, MatchingData, RowArray, RowArray]:
    """The recipe, its dataset's training photos, and which of them to train on and to hold out.

    Features are computed by the newest default pack, once, and kept in the user's cache folder.
    Errors: as `load_captions`; PackNotFound.
    """
    split = load_captions(recipe.data.dataset, data).captions("train")
    count = len(split.images)
    order = np.random.default_rng([recipe.train.seed, count]).permutation(count)
    held = round(count * recipe.data.validation)
    training, held_out = np.sort(order[held:]), np.sort(order[:held])
    cache = FeatureCache(platformdirs.user_cache_path("scenograph") / "features")
    found = matching_data(split, training, open_pack("default").folder, cache, recipe.train.seed)
    return recipe, found, training, held_out


def matching_data(
    split: CaptionSplit, training: RowArray, pack: Path, cache: FeatureCache, seed: int
) -> MatchingData:
    """Units of the photos and parts and words of their captions, as many of each as every photo has.

    The compression is learnt from the `training` rows alone. `pack`: a default pack's folder.
    """
    each = min(map(len, split.captions))
    texts = [caption for own in split.captions for caption in own[:each]]
    views, _ = seen_views(split.images, training, pack=pack, cache=cache, seed=seed)
    reading = Reading(pack)
    tokens = cache.compute_tokens(texts, reading.name, reading)
    graphs = TextParser(load_parser(pack / "parser")).parse(texts)
    return MatchingData(views, part_states(texts, graphs, tokens, reading), tokens, each)
