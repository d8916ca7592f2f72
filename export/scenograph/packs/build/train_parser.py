"""Trains the default pack's parser: `python -m scenograph.packs.build.train_parser --data DIR`."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from scenograph.components import tasks
from scenograph.methods.catalogue import get_method
from scenograph.nn.text_encoder import load_text_encoder
from scenograph.packs.build.parser_data import parser_data
from scenograph.packs.build.scene_parser import FOLDER
from scenograph.packs.build.sources import TEXT_ENCODER
from scenograph.prep import Tokenizer
from scenograph.train.default_parser import DefaultParser
from scenograph.train.trainer import History, Trainer

METHOD = "default-parser"


def train_parser(data: Path, out: Path, *, resume: bool = False) -> tuple[list[Path], History]:
    """Train by the recipe on `data`/factual/train.csv; weights and names are written to `out`.

    Errors: InvalidInput (the data), PackBuildFailed (the text encoder's package).
    """
    recipe = get_method(METHOD)
    assert recipe.task is not None
    encoder = load_text_encoder(TEXT_ENCODER.file("weights"))
    with torch.random.fork_rng():
        torch.manual_seed(recipe.train.seed)
        captions = parser_data(
            data / recipe.data.dataset / "train.csv",
            encoder,
            Tokenizer(TEXT_ENCODER.file("tokenizer")),
            recipe.data.validation,
            recipe.train.seed,
        )
        task: DefaultParser = tasks.build(
            recipe.task.name,
            captions,
            list(encoder.layers),
            parameters={"batch": recipe.train.batch, **recipe.task.parameters},
        )
    trainer = Trainer(
        task,
        optimizer=recipe.optimizer,
        schedule=recipe.schedule,
        train=recipe.train,
        out=out,
        progress=_report,
    )
    history = trainer.fit(resume=resume)
    return task.save(out), history


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds factual/train.csv")
    parser.add_argument("--out", type=Path, default=Path("runs") / METHOD, help="checkpoint, curves, weights")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--install", action="store_true", help="put the weights where packs are built from")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    files, history = train_parser(given.data, given.out, resume=given.resume)
    for values in history:
        sys.stdout.write(" ".join(f"{name} {value:.4g}" for name, value in values.items()) + "\n")
    for file in files:
        if given.install:
            shutil.copyfile(file, FOLDER / file.name)
        sys.stdout.write(f"wrote {FOLDER / file.name if given.install else file}\n")


def _report(what: str, done: int, total: int) -> None:
    if done % 20 == 0 or done == total:
        sys.stderr.write(f"\r{METHOD}: {what}, step {done} of {total} ")
        sys.stderr.flush()


if __name__ == "__main__":
    main()
