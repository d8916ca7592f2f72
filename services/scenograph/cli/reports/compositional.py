"""The report of compositional evaluation: accuracy by kind of change and stage, and examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from scenograph.cli.compositional import ALL, Compositional, Row, Way
from scenograph.cli.reports.facts import run_facts
from scenograph.cli.reports.report import Block, Cell, Example, Examples, Item, Report, Section, Table
from scenograph.data.compositional import Accuracy, Blind, Case, by_kind
from scenograph.data.compositional.accuracy import accuracy

SHOWN = 2  # examples of each kind
_TITLES: dict[Way, str] = {
    "caption": "Each caption looks for its photo",
    "photo": "Each photo ranks its captions",
}


def compositional_report(
    cases: Sequence[Case], photos: Mapping[str, Path], result: Compositional, blind: Blind | None
) -> Report:
    """Tables for each way that was asked, then examples; `blind`, where given, has a column of its own."""
    guess = () if blind is None else _blind(cases, blind)
    ways = dict.fromkeys(row.way for row in result.rows)
    sections = tuple(_section(way, [row for row in result.rows if row.way == way], guess) for way in ways)
    examples = Section("Examples", (_examples(cases, photos, result.final),))
    return Report(
        title="Compositional evaluation",
        facts=run_facts(pack=result.pack_version),
        sections=(*sections, examples),
        summary=f"{len(cases)} cases over {len(photos)} photos, {result.pack_version}",
    )


def _blind(cases: Sequence[Case], blind: Blind) -> tuple[Accuracy, ...]:
    true = [blind.score(case.caption) for case in cases]
    false = [blind.score(case.negative) for case in cases]
    return (*by_kind([case.kind for case in cases], true, false), accuracy(ALL, true, false))


def _section(way: Way, rows: Sequence[Row], guess: tuple[Accuracy, ...]) -> Section:
    columns = {**({"blind": guess} if guess else {}), **{row.stage: row.kinds for row in rows}}
    names = [item.kind for item in rows[0].kinds]
    cells: list[tuple[Cell, ...]] = [
        (name, rows[0].kinds[place].cases, *(100 * kinds[place].accuracy for kinds in columns.values()))
        for place, name in enumerate(names)
    ]
    bounds: list[tuple[Cell, ...]] = [
        (
            name,
            *(f"{100 * kinds[place].low:.1f} to {100 * kinds[place].high:.1f}" for kinds in columns.values()),
            sum(row.kinds[place].ties for row in rows if row.stage == rows[-1].stage),
        )
        for place, name in enumerate(names)
    ]
    blocks: tuple[Block, ...] = (
        Table(
            ("kind", "cases", *columns),
            tuple(cells),
            title="true caption preferred, in percent",
            note="Equal scores count as wrong; 50 is chance.",
            digits=1,
        ),
        Table(("kind", *columns, "ties"), tuple(bounds), title="95 % intervals (Wilson)"),
    )
    return Section(_TITLES[way], blocks)


def _examples(cases: Sequence[Case], photos: Mapping[str, Path], final: Sequence[bool]) -> Examples:
    """The first cases of each kind, with what the last stage preferred first."""
    shown: dict[str, list[Example]] = {}
    for case, right in zip(cases, final, strict=True):
        of_kind = shown.setdefault(case.kind, [])
        if len(of_kind) >= SHOWN:
            continue
        hits = (Item(case.caption, right=True), Item(case.negative, right=False))
        photo = Item(case.kind, photos[case.photo].read_bytes())
        of_kind.append(Example(photo, hits if right else hits[::-1]))
    examples = tuple(example for of_kind in shown.values() for example in of_kind)
    return Examples("What the last stage preferred", examples)
