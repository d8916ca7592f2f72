"""The report of retrieval through a server: recalls by direction and way of ranking, and example hits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scenograph.cli.captions import Captioned
from scenograph.cli.evaluation import Evaluation, Row, Shown
from scenograph.cli.exhaustive import TOP, Beside
from scenograph.cli.reports.facts import run_facts
from scenograph.cli.reports.report import (
    Bars,
    Block,
    Cell,
    Example,
    Examples,
    Item,
    Report,
    Section,
    Series,
    Table,
)
from scenograph.client import Hit

_TEXT = (
    "Each photo is stored with its sentences as one item. Text to image: every sentence looks for its photo. "
    "Image to text: every photo looks for any of its sentences."
)


_BESIDE = (
    "K1 entries of the kind that is looked for are kept by their codes, and K2 of these are matched graph by "
    "graph. Exhaustive keeps every entry. Where K1 is all there are, both searches are the same."
)


def retrieval_report(result: Evaluation, photos: Sequence[Captioned]) -> Report:
    """Recall in per cent."""
    paths = {photo.name: photo.path for photo in photos}
    sections = [Section("Recall", _recalls(result), _TEXT)]
    if result.exhaustive:
        sections.append(Section("Beside an exhaustive search", (_beside(result.exhaustive),), _BESIDE))
    if result.shown:
        sections.append(Section("Examples", _examples(result.shown, paths)))
    summary = f"{result.photos} photos, {result.sentences} sentences, {result.pack_version}"
    return Report("Retrieval", run_facts(pack=result.pack_version), tuple(sections), summary)


def _recalls(result: Evaluation) -> tuple[Block, ...]:
    rows = tuple(_row(row, result.depth) for row in result.rows)
    columns = ("direction", "ranking", "queries", "R@1", "R@5", "R@10", "median rank")
    note = "Not in this pack: " + "; ".join(result.skipped) if result.skipped else ""
    blocks: list[Block] = [Table(columns, rows, note=note, digits=1)]
    for direction in dict.fromkeys(row.direction for row in result.rows):
        series = tuple(
            Series(row.stage, ("R@1", "R@5", "R@10"), tuple(100 * recall for recall in _recall(row)))
            for row in result.rows
            if row.direction == direction
        )
        blocks.append(Bars(direction.capitalize(), "per cent", series))
    return tuple(blocks)


def _beside(rows: Sequence[Beside]) -> Table:
    columns = (
        *("direction", "entries", "K1", "K2", "exhaustive K1", "exhaustive K2", "queries"),
        *(f"same of the first {TOP}, %", "rankings that differ"),
    )
    return Table(
        columns,
        tuple(
            (
                row.direction,
                row.entries,
                row.coarse,
                row.graph,
                min(row.exhaustive_coarse, row.entries),
                min(row.exhaustive_graph, row.entries),
                row.queries,
                100 * row.same,
                row.differing,
            )
            for row in rows
        ),
        digits=2,
    )


def _row(row: Row, depth: int) -> tuple[Cell, ...]:
    median = f"> {depth}" if row.median_rank is None else f"{row.median_rank:g}"
    return (row.direction, row.stage, row.queries, *(100 * recall for recall in _recall(row)), median)


def _recall(row: Row) -> tuple[float, float, float]:
    return row.recall_at_1, row.recall_at_5, row.recall_at_10


def _examples(shown: Sequence[Shown], paths: dict[str, Path]) -> tuple[Block, ...]:
    sentences = tuple(_example(each, paths) for each in shown if each.sentence is not None)
    photos = tuple(_example(each, paths) for each in shown if each.sentence is None)
    return (
        Examples("Sentences and the photos found", sentences),
        Examples("Photos and the sentences found", photos),
    )


def _example(shown: Shown, paths: dict[str, Path]) -> Example:
    right = shown.photo.name
    if shown.sentence is None:
        query = Item(photo=shown.photo.path.read_bytes())
        return Example(query, tuple(Item(hit.text, None, hit.id == right, _told(hit)) for hit in shown.hits))
    return Example(Item(shown.sentence), tuple(_photo(hit, right, paths) for hit in shown.hits))


def _photo(hit: Hit, right: str, paths: dict[str, Path]) -> Item:
    """A photo of the split, or the id of one that the collection held before."""
    path = paths.get(hit.id)
    return Item("" if path else hit.id, path.read_bytes() if path else None, hit.id == right, _told(hit))


def _told(hit: Hit) -> str:
    return f"{hit.score:.2f}"
