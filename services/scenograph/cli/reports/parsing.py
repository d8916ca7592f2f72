"""The report of parsers: Set Match and F1 beside what FACTUAL's authors print, and what differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scenograph.cli.parsing import ParserResult
from scenograph.cli.reports.facts import run_facts
from scenograph.cli.reports.report import Bars, Cell, Report, Section, Series, Table
from scenograph.data.factual import Caption
from scenograph.metrics.parsing import Fact

PUBLISHED = (
    ("Flan-T5 base", 81.37, 93.27),
    ("Flan-T5 small", 78.18, 92.26),
    ("SPICE, Stanford", 19.30, 64.77),
)
"""Set Match and SPICE F1 on FACTUAL's random test split, read in the authors' repository."""
SHOWN = 12
_TEXT = (
    "Set Match: the share of captions whose facts are exactly the gold ones. F1: over objects, attributes "
    "and relations, the mean over captions. Words are lemmatised as nouns first, as in FACTUAL's evaluator.\n"
    "The published figures are of the test split and count WordNet synonyms in F1; these do not."
)


def parser_report(data: str, captions: Sequence[Caption], results: Sequence[ParserResult]) -> Report:
    """Figures in per cent."""
    rows: list[tuple[Cell, ...]] = [
        (each.parser, 100 * each.score.set_match, 100 * each.score.spice_f1, round(each.milliseconds, 1))
        for each in results
    ]
    rows += [(f"{name} (published)", exact, partial, None) for name, exact, partial in PUBLISHED]
    table = Table(("parser", "Set Match", "SPICE F1", "ms a sentence"), tuple(rows), digits=1)
    measures = ("Set Match", "SPICE F1")
    bars = [
        Series(each.parser, measures, (100 * each.score.set_match, 100 * each.score.spice_f1))
        for each in results
    ]
    sections = [Section("Scores", (table, Bars("Per parser", "per cent", tuple(bars))), _TEXT)]
    sections += [Section(f"What {each.parser} gets wrong", (_wrong(captions, each),)) for each in results]
    return Report("Scene-graph parsers", run_facts(data=data), tuple(sections), f"{len(captions)} captions")


def _wrong(captions: Sequence[Caption], result: ParserResult) -> Table:
    """The first captions whose facts differ, with the facts that are on one side alone."""
    rows: list[tuple[Cell, ...]] = []
    for caption, found in zip(captions, result.facts, strict=True):
        if found != caption.facts and len(rows) < SHOWN:
            rows.append((caption.text, _written(caption.facts - found), _written(found - caption.facts)))
    return Table(("caption", "gold alone", "parser alone"), tuple(rows), note="Before lemmas are compared.")


def _written(facts: Iterable[Fact]) -> str:
    return "; ".join(" ".join(fact) for fact in sorted(facts))
