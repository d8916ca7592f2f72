"""`python -m scenograph.packs.training.parser`: train the default pack's scene-graph parser."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch

from scenograph.components import tasks
from scenograph.data.digests import digest_files
from scenograph.methods.catalogue import get_method
from scenograph.methods.contracts import Progress
from scenograph.methods.recipe import Recipe
from scenograph.nn.text_encoder import load_text_encoder
from scenograph.packs.build.scene_parser import MODEL, NAMES
from scenograph.packs.build.sources import TEXT_ENCODER
from scenograph.packs.build.trained import FOLDER, write_trained
from scenograph.packs.store import file_digest
from scenograph.packs.training.captions import parser_data
from scenograph.prep import Tokenizer
from scenograph.train.default_parser import DefaultParser
from scenograph.train.trainer import Trainer

METHOD = "default-parser"


def train_parser(captions: Path, *, out: Path, folder: Path, progress: Progress, resume: bool) -> None:
    """Train by the recipe "default-parser" on FACTUAL's train.csv; weights, names and card go to `folder`.

    `out` takes checkpoint and curves. Errors: InvalidInput (the captions), PackBuildFailed (no text encoder).
    """
    recipe = get_method(METHOD)
    assert recipe.task is not None
    encoder = load_text_encoder(TEXT_ENCODER.file("weights"))
    tokenizer = Tokenizer(TEXT_ENCODER.file("tokenizer"))
    data = parser_data(captions, encoder, tokenizer, recipe.data.validation, recipe.train.seed)
    torch.manual_seed(recipe.train.seed)
    task: DefaultParser = tasks.build(
        recipe.task.name,
        data,
        list(encoder.layers),
        parameters={"batch": recipe.train.batch, **recipe.task.parameters},
    )
    trainer = Trainer(
        task,
        optimizer=recipe.optimizer,
        schedule=recipe.schedule,
        train=recipe.train,
        out=out,
        progress=progress,
    )
    best = max(trainer.fit(resume=resume), key=lambda values: values[recipe.train.metric])
    task.average.apply(task.parser)
    data.names.save(folder / NAMES)
    weights = write_trained(MODEL, task.parser.state_dict(), folder)
    card = _card(recipe, task, digest_files([captions]), file_digest(weights), best)
    weights.with_suffix(".md").write_text(card, encoding="utf-8")


def main() -> None:
    """The command."""
    arguments = argparse.ArgumentParser(prog="scenograph.packs.training.parser", description=__doc__)
    arguments.add_argument(
        "--data", type=Path, default=Path(os.environ.get("SCENOGRAPH_DATA", "../shared/data"))
    )
    arguments.add_argument("--out", type=Path, default=Path("build/training") / METHOD)
    arguments.add_argument("--weights", type=Path, default=FOLDER, help="where weights, names and card go")
    arguments.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    given = arguments.parse_args()
    captions = given.data / "factual" / "train.csv"
    train_parser(captions, out=given.out, folder=given.weights, progress=_report, resume=given.resume)


def _card(recipe: Recipe, task: DefaultParser, data: str, weights: str, values: dict[str, float]) -> str:
    rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in values.items())
    return f"""# {MODEL}

The text encoder's lower token states, to word roles and arcs between words (`scenograph.nn.scene_parser`);
`{NAMES}` holds the forms of relations and the names that differ from the words that say them.

| | |
|---|---|
| recipe | `{recipe.key}`, seed {recipe.train.seed}, {recipe.train.epochs} epochs |
| starts from | the upper layers of all-MiniLM-L6-v2 (Apache-2.0) |
| trained on | FACTUAL (Li et al. 2023), {task.rows} captions of `train.csv`; {len(task.held)} held out |
| data digest | `{data}` |
| weights' digest | `{weights}` |
| licence | weights Apache-2.0, like this repository; FACTUAL is for research and is not part of it |

Best epoch; Set Match and F1 of the held-out captions, without lemmas and synonyms:

| | |
|---|---|
{rows}
"""


def _report(what: str, done: int, total: int) -> None:
    if done == total or done % max(1, total // 100) == 0:
        print(f"{what}: step {done} of {total}", flush=True)


if __name__ == "__main__":
    main()
