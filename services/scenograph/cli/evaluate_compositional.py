"""`scenograph evaluate compositional`: are captions made false by one change told from true ones?"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenograph.cli.captions import Captioned, read_captions
from scenograph.cli.evaluate_output import put_out
from scenograph.cli.options import Json
from scenograph.cli.output import progress
from scenograph.cli.server_process import ServerProcess

if TYPE_CHECKING:
    from scenograph.data.compositional import Case
    from scenograph.scene.graph import SceneGraph

PARSED = 256  # captions parsed at a time, so that the bar moves


def compositional(
    captions: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help='{"image": path, "captions": [...], "split": ...} a line.'),
    ] = None,
    split: Annotated[str, typer.Option(help="The split to measure.")] = "dev",
    words_split: Annotated[str, typer.Option(help="The split that new words come from.")] = "train",
    words_photos: Annotated[int, typer.Option(min=1, help="At most so many of its photos.")] = 2000,
    sugarcrepe: Annotated[
        Path | None, typer.Option(metavar="DIR", help="SugarCrepe's JSON files, instead of --captions.")
    ] = None,
    cases: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help="Cases that --save wrote, instead of --captions."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The photos of --sugarcrepe or --cases.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Only the first N photos; 0 for all.")] = 0,
    per_kind: Annotated[int, typer.Option(min=1, help="At most so many cases of each kind.")] = 300,
    seed: Annotated[int, typer.Option(help="Draws the negatives.")] = 0,
    ask: Annotated[
        list[str] | None,
        typer.Option(help="photo: it ranks its captions, the default; caption: each looks for the photo."),
    ] = None,
    stages: Annotated[
        list[str] | None, typer.Option("--stage", help="coarse, float, graph; all by default.")
    ] = None,
    server: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT", help="A running server; else one is started in a temporary folder."
        ),
    ] = "",
    collection: Annotated[str, typer.Option(help="The collection that holds the photos.")] = "evaluation",
    concurrency: Annotated[int, typer.Option(min=1, help="Calls under way at a time.")] = 4,
    save: Annotated[Path | None, typer.Option(metavar="FILE.jsonl", help="Write the cases there.")] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Write report.html and report.json there.")
    ] = None,
    as_json: Json = False,
) -> None:
    """How often a photo's caption scores above the same caption made false, by kind of change and by stage.

    Changes: two objects or two attributes swapped, an object, attribute or relation replaced, an object or
    attribute added, a statement denied. Equal scores count as wrong. "blind" never sees the photo.
    """
    from scenograph.cli import compositional as composed
    from scenograph.cli.evaluation import check_stages
    from scenograph.cli.reports.compositional import compositional_report
    from scenograph.data.compositional import Blind, write_cases

    if sum(source is not None for source in (captions, sugarcrepe, cases)) != 1:
        raise ValueError("give one of --captions, --sugarcrepe and --cases")
    chosen = check_stages(stages or ["coarse", "float", "graph"])
    ways = composed.check_ways(ask or ["photo"])
    blind = None
    if captions is not None:
        found, photos, others = made_cases(captions, split, words_split, words_photos, limit, per_kind, seed)
        blind = Blind(others)
    else:
        found, photos = _from_files(sugarcrepe, cases, images, limit, per_kind)
    if not found:
        raise ValueError("no cases: no caption could be made false")
    if save is not None:
        write_cases(save, found)
    with tempfile.TemporaryDirectory(prefix="scenograph-") as folder:
        with nullcontext(server) if server else ServerProcess(Path(folder)) as address:
            result = asyncio.run(
                composed.measure(address, collection, found, photos, ways, chosen, concurrency)
            )
    put_out(compositional_report(found, photos, result, blind), report, as_json)


def made_cases(
    file: Path, split: str, words_split: str, words_photos: int, limit: int, per_kind: int, seed: int
) -> tuple[list[Case], dict[str, Path], list[str]]:
    """Cases of one split with the words of another, the photos, and the other's captions."""
    from scenograph.data.compositional import Corpus, make_cases

    photos = list(read_captions(file, split))[: limit or None]
    others = list(read_captions(file, words_split))[:words_photos]
    if not photos or not others:
        raise ValueError(f"{file} has no photos of split {split if not photos else words_split!r}")
    sentences = [caption for photo in others for caption in photo.captions]
    graphs = _parse([*sentences, *(caption for photo in photos for caption in photo.captions)])
    corpus = Corpus.of(sentences, graphs[: len(sentences)])
    rest = iter(graphs[len(sentences) :])
    made = make_cases(
        [photo.name for photo in photos],
        [photo.captions for photo in photos],
        [[next(rest) for _ in photo.captions] for photo in photos],
        corpus,
        seed=seed,
        per_kind=per_kind,
    )
    return made, _used(made, photos), sentences


def _used(cases: Sequence[Case], photos: Sequence[Captioned]) -> dict[str, Path]:
    names = {case.photo for case in cases}
    return {photo.name: photo.path for photo in photos if photo.name in names}


def _from_files(
    sugarcrepe: Path | None, cases: Path | None, images: Path | None, limit: int, per_kind: int
) -> tuple[list[Case], dict[str, Path]]:
    from scenograph.data.compositional import read_cases, read_sugarcrepe

    if images is None:
        raise ValueError("--images says where the photos are")
    found = read_sugarcrepe(sugarcrepe) if sugarcrepe is not None else read_cases(cases or Path())
    names = list(dict.fromkeys(case.photo for case in found))[: limit or None]
    photos = {name: images / name for name in names}
    missing = next((path for path in photos.values() if not path.is_file()), None)
    if missing is not None:
        raise ValueError(f"no photo {missing}")
    kept: dict[str, list[Case]] = {}
    for case in found:
        if case.photo in photos and len(kept.setdefault(case.kind, [])) < per_kind:
            kept[case.kind].append(case)
    chosen = [case for of_kind in kept.values() for case in of_kind]
    used = {case.photo for case in chosen}
    return chosen, {name: path for name, path in photos.items() if name in used}


def _parse(texts: Sequence[str]) -> list[SceneGraph]:
    """The graphs of captions, by the rules of the default pack's parser."""
    from scenograph.packs import open_pack
    from scenograph.scene.parsing import TextParser, load_parser

    parser = TextParser(load_parser(open_pack("default").folder / "parser"))
    graphs: list[SceneGraph] = []
    with progress() as bar:
        task = bar.add_task("parse captions", total=len(texts))
        for start in range(0, len(texts), PARSED):
            part = texts[start : start + PARSED]
            graphs += parser.parse(part)
            bar.advance(task, len(part))
    return graphs
