"""Trains a recipe on the data it names, and keeps what it learned in a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scenograph.components import sources, tasks
from scenograph.data.datasets import load_features
from scenograph.methods.contracts import Progress, Projector, Trained
from scenograph.methods.projector import LinearProjector
from scenograph.methods.recipe import Recipe, to_json
from scenograph.scene.errors import InvalidInput
from scenograph.train.chained import Chained
from scenograph.train.run import silent, train_method

MODEL = "model.safetensors"
SECOND = "second.safetensors"
CODES = "codes.npz"
RECIPE = "recipe.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The files that a training left, and the last epoch's values where it went by epochs."""

    files: tuple[Path, ...]
    values: dict[str, float]


def train_recipe(
    recipe: Recipe, data: Path, out: Path, *, progress: Progress = silent, resume: bool = False
) -> Outcome:
    """Train on the recipe's dataset below `data`; everything is written to `out`.

    A recipe with a [task] trains that task, built from what the source of the same name gives:
    `@sources("name.v1")` is a function of (data, recipe) to the task's parameters before the `/`; a task that
    takes (data, recipe) itself needs none. All others are trained on their dataset's "train" pairs, with its
    "validation" pairs for early stopping if there are any. With several processes the first one writes.
    Errors: as `train_method` and `load_features`; InvalidInput (the recipe names no dataset; its task has
    no source).
    """
    if recipe.task is not None:
        return _trained_task(recipe, data, out, progress, resume)
    if not recipe.data.dataset:
        raise InvalidInput(f'{recipe.key}: [data] dataset = "..." says what to train on', field="dataset")
    dataset = load_features(recipe.data.dataset, data)
    train = dataset.features("train")
    dev = dataset.features("validation") if "validation" in dataset.splits else None
    _begin(recipe, out)
    trained = train_method(recipe, train, dev=dev, out=out, progress=progress, resume=resume)
    return Outcome(tuple(_saved(trained, out)), _last_values(out)) if _leads() else Outcome((), {})


def _trained_task(recipe: Recipe, data: Path, out: Path, progress: Progress, resume: bool) -> Outcome:
    import torch

    from scenograph.train.task import Task
    from scenograph.train.trainer import Trainer

    assert recipe.task is not None
    extra = tuple(map(Path, recipe.components))
    with torch.random.fork_rng():
        torch.manual_seed(recipe.train.seed)
        name, parameters = recipe.task.name, recipe.task.parameters
        plain = tasks.signature(name, extra).given == ("data", "recipe")
        if not plain and name not in sources.names(extra):
            raise InvalidInput(
                f'task "{name}" has no source; the pack\'s own parts have `make train-default`'
            )
        given = (data, recipe) if plain else sources.get(name, extra)(data, recipe)
        task: Task = tasks.build(name, *given, parameters=parameters, extra=extra)
    _begin(recipe, out)
    trainer = Trainer(
        task,
        optimizer=recipe.optimizer,
        schedule=recipe.schedule,
        train=recipe.train,
        out=out,
        progress=progress,
    )
    history = trainer.fit(resume=resume)
    if not _leads():
        return Outcome((), {})
    return Outcome(tuple(task.save(out)), history[-1] if history else {})


def _begin(recipe: Recipe, out: Path) -> None:
    """The folder and the recipe in it, once the data are there: a mistake leaves an earlier run alone."""
    if _leads():
        out.mkdir(parents=True, exist_ok=True)
        (out / RECIPE).write_text(to_json(recipe), encoding="utf-8")


def _leads() -> bool:
    """Whether this is the first of the processes that `torchrun` started, or the only one."""
    return os.environ.get("RANK", "0") == "0"


def _saved(trained: Trained, out: Path) -> list[Path]:
    files = _saved_projector(trained.projector, out)
    if trained.image_codes is not None and trained.text_codes is not None:
        np.savez_compressed(out / CODES, image=trained.image_codes, text=trained.text_codes)
        files.append(out / CODES)
    return files


def _saved_projector(projector: Projector, out: Path, name: str = MODEL) -> list[Path]:
    from scenograph.train.projector import DeepProjector

    match projector:
        case Chained():
            return _saved_projector(projector.first, out) + _saved_projector(projector.second, out, SECOND)
        case LinearProjector() | DeepProjector():
            projector.save(out / name)
            return [out / name]
    raise TypeError(f"a {type(projector).__name__} has no file format")


def _last_values(out: Path) -> dict[str, float]:
    """The last row of the curves, where there are any."""
    path = out / "curves.csv"
    if not path.exists():
        return {}
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    cells = zip(header.split(","), rows[-1].split(",") if rows else (), strict=False)
    return {name: float(cell) for name, cell in cells if cell}
