"""`scenograph pack weigh`: how much each score counts in the final ranking, fitted on captioned photos."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from scenograph.cli.captions import Captioned, read_captions
from scenograph.cli.options import Json
from scenograph.cli.output import err, out, print_json, progress

if TYPE_CHECKING:
    from scenograph.cli.weighing import Scores
    from scenograph.cli.weighing_fit import Figures

FITTED_KINDS = ("swap_object", "swap_attribute")


def weigh(
    captions: Annotated[
        Path,
        typer.Option(metavar="FILE.jsonl", help='{"image": path, "captions": [...], "split": ...} a line.'),
    ],
    split: Annotated[str, typer.Option(help="The split to fit on.")] = "dev",
    limit: Annotated[int, typer.Option(help="Only the first N photos; 0 for all.")] = 0,
    asked: Annotated[int, typer.Option(min=1, help="Sentences of each photo that are queries.")] = 2,
    per_kind: Annotated[int, typer.Option(min=1, help="Swapped sentences of each kind.")] = 300,
    words_split: Annotated[str, typer.Option(help="The split that says what swaps are likely.")] = "train",
    words_photos: Annotated[int, typer.Option(min=1, help="At most so many of its photos.")] = 2000,
    least_symbolic: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="The least share of the symbolic match in the graph's.")
    ] = 0.25,
    scores: Annotated[
        Path | None,
        typer.Option(metavar="FILE.npz", help="Keep the scores there; fit on those where the file is there."),
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.toml", help="Where to write the weights.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit the weights of a pack's final ranking: of codes, cosine, and the learned and the symbolic match.

    The pack scores queries with their candidates in this process. Of a grid of weights those are taken that
    rank right answers best in both directions and tell swapped sentences from true ones, among those that
    find photographs of other kinds by plain sentences. `pack build` reads `packs/heads/fusion.toml`.
    """
    from scenograph.cli.weighing_fit import fitted
    from scenograph.data.digests import digest_texts
    from scenograph.packs.weights import Fit, RankingWeights, write_weights

    photos = list(read_captions(captions, split))[: limit or None]
    if not photos:
        raise ValueError(f"{captions} has no photos of split {split!r}")
    found = _scores(captions, photos, split, asked, per_kind, words_split, words_photos, limit, scores)
    best, figures = fitted(found, least_symbolic)
    coarse, cosine, learned, symbolic = (float(value) for value in best)
    graph = learned + symbolic
    weights = RankingWeights(
        fusion={"coarse": _short(coarse), "float": _short(cosine), "graph": _short(graph)},
        match={"learned": _short(learned / graph), "symbolic": _short(symbolic / graph)},
        fit=Fit(
            pack=found.pack,
            data=f"{captions.name}, split {split}",
            data_digest=digest_texts([text for photo in photos for text in (photo.name, *photo.captions)]),
            photos=len(photos),
            queries=sum(len(one.right) for one in found.searches.values()),
            figures=figures["fitted"],
        ),
    )
    if as_json:
        print_json({"fusion": weights.fusion, "match": weights.match, "figures": figures})
    else:
        _show(figures)
        out.print(f"fusion {weights.fusion}, match {weights.match}", highlight=False)
    if target is not None:
        write_weights(target, weights)
        err.print(f"wrote {target}", highlight=False)


def _scores(
    captions: Path,
    photos: Sequence[Captioned],
    split: str,
    asked: int,
    per_kind: int,
    words_split: str,
    words_photos: int,
    limit: int,
    kept: Path | None,
) -> Scores:
    from scenograph.cli.demo_photos import captioned
    from scenograph.cli.evaluate_compositional import made_cases
    from scenograph.cli.weighing import Scores, collect

    if kept is not None and kept.exists():
        return Scores.load(kept)
    cases, paths, _ = made_cases(captions, split, words_split, words_photos, limit, per_kind, seed=0)
    about = [replace(case, photo=str(paths[case.photo])) for case in cases if case.kind in FITTED_KINDS]
    with progress() as bar:
        found = asyncio.run(collect(photos, about, captioned(), asked, bar))
    if kept is not None:
        found.save(kept)
    return found


def _show(figures: Figures) -> None:
    """Figures in per cent, a row for each mix."""
    names = list(figures["fitted"])
    table = Table("per cent", *names)
    for mix, found in figures.items():
        table.add_row(mix, *(f"{found[name]:.1f}" if name in found else "" for name in names))
    out.print(table)


def _short(share: float) -> float:
    return round(share, 4)
