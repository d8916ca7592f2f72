"""From a recipe to a trained method, of whatever family."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from scenograph.components import solvers
from scenograph.data.contracts import FeatureSplit
from scenograph.methods.catalogue import get_method
from scenograph.methods.contracts import BitArray, Progress, Projector, Trained
from scenograph.methods.recipe import Recipe
from scenograph.scene.errors import InvalidInput
from scenograph.train.chained import Chained

if TYPE_CHECKING:
    from scenograph.train.pairs import PairTask

RowArray = NDArray[np.int64]


def silent(what: str, done: int, total: int) -> None:
    """Report nothing."""


def train_method(
    method: str | Recipe,
    train: FeatureSplit,
    *,
    dev: FeatureSplit | None = None,
    bits: int | None = None,
    dimension: int | None = None,
    seed: int | None = None,
    progress: Progress = silent,
    out: Path | None = None,
    resume: bool = False,
) -> Trained:
    """Train a method of the catalogue, or a recipe, on paired features.

    `bits` (hashing methods) or `dimension` (real-valued ones), and `seed`, stand in for the recipe's own.
    `dev` is what early stopping measures; without it a share of the training pairs is held out. `out` takes a
    deep method's checkpoint and curves.
    Errors: NotFound (unknown key); InvalidInput (bits for a real-valued method or the reverse; the method
    does not fit the data; a recipe that is not trained on features).
    """
    recipe = get_method(method) if isinstance(method, str) else method
    recipe = _sized(recipe, bits, dimension, seed)
    if recipe.task is not None:
        raise InvalidInput(f'method "{recipe.key}" is not trained on pairs of features')
    if recipe.nets:
        return _descended(recipe, train, dev, progress, out, resume)
    return _solved(recipe, train, progress)


def _sized(recipe: Recipe, bits: int | None, dimension: int | None, seed: int | None) -> Recipe:
    hashing = recipe.head.kind != "real"
    if bits is not None and not hashing:
        raise InvalidInput(f'"{recipe.key}" is real-valued: it takes a dimension, not bits', field="bits")
    if dimension is not None and hashing:
        raise InvalidInput(f'"{recipe.key}" learns codes: it takes bits, not a dimension', field="dimension")
    head, own = recipe.head, recipe.train
    size = dimension if bits is None else bits
    if size is not None and size < 1:
        field = "dimension" if bits is None else "bits"
        raise InvalidInput(f'"{recipe.key}" cannot learn {size} {field}', field=field)
    if size is not None:
        head = msgspec.structs.replace(head, dimension=size)
    if seed is not None:
        own = msgspec.structs.replace(own, seed=seed)
    return msgspec.structs.replace(recipe, head=head, train=own)


def _solved(recipe: Recipe, train: FeatureSplit, progress: Progress) -> Trained:
    assert recipe.solver is not None
    extra = tuple(map(Path, recipe.components))
    size = recipe.head.dimension
    offered: dict[str, Any] = {
        "bits": size,
        "dimension": size,
        "seed": recipe.train.seed,
        "progress": progress,
    }
    takes = solvers.signature(recipe.solver.name, extra).supplied
    given = {name: value for name, value in offered.items() if name in takes}
    solve = solvers.get(recipe.solver.name, extra)
    trained: Trained = solve(train, **given, **recipe.solver.parameters)
    return trained


def _descended(
    recipe: Recipe,
    train: FeatureSplit,
    dev: FeatureSplit | None,
    progress: Progress,
    out: Path | None,
    resume: bool,
) -> Trained:
    import torch

    from scenograph.train.pairs import PairTask
    from scenograph.train.projector import DeepProjector
    from scenograph.train.trainer import Trainer

    kept = np.arange(len(train.ids))
    fitted = train
    if recipe.train.metric and dev is None:
        kept, held = _held_out(len(train.ids), recipe)
        fitted, dev = _rows(train, kept), _rows(train, held)
    with torch.random.fork_rng():
        torch.manual_seed(recipe.train.seed)
        task = PairTask(recipe, fitted, dev)
    Trainer(
        task,
        optimizer=recipe.optimizer,
        schedule=recipe.schedule,
        train=recipe.train,
        out=out,
        progress=progress,
    ).fit(resume=resume)
    projector = DeepProjector(recipe, task.image, task.text)
    if recipe.solver is not None:
        return _chained(recipe, projector, train, progress)
    image_codes, text_codes = _codes(task, train, kept)
    return Trained(projector, image_codes, text_codes)


def _chained(recipe: Recipe, first: Projector, train: FeatureSplit, progress: Progress) -> Trained:
    """The recipe's solver, fitted to the vectors that the nets give."""
    vectors = FeatureSplit(train.ids, first.image(train.image), first.text(train.text), train.labels)
    second = _solved(recipe, vectors, progress)
    return Trained(Chained(first, second.projector), second.image_codes, second.text_codes)


def _held_out(pairs: int, recipe: Recipe) -> tuple[RowArray, RowArray]:
    order = np.random.default_rng([recipe.train.seed, pairs]).permutation(pairs)
    held = max(round(pairs * recipe.data.validation), 1)
    return np.sort(order[held:]), np.sort(order[:held])


def _rows(split: FeatureSplit, rows: RowArray) -> FeatureSplit:
    return FeatureSplit(
        tuple(split.ids[row] for row in rows), split.image[rows], split.text[rows], split.labels[rows]
    )


def _codes(
    task: PairTask, train: FeatureSplit, kept: RowArray
) -> tuple[BitArray, BitArray] | tuple[None, None]:
    """The codes that a hook has learned, and hashed ones for pairs that early stopping held out."""
    learned = next((codes for hook in task.hooks if (codes := hook.codes()) is not None), None)
    if learned is None:
        return None, None
    found = []
    for own, hashed in zip(learned, task.encode(train), strict=True):
        whole: BitArray = (hashed > 0).cpu().numpy()
        whole[kept] = (own > 0).cpu().numpy()
        found.append(whole)
    return found[0], found[1]
