"""Reports of methods on datasets of features: MAP beside what papers print, curves, lookup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, stdev

from scenograph.cli.features import Measured
from scenograph.cli.reports.facts import run_facts
from scenograph.cli.reports.published import published
from scenograph.cli.reports.report import Bars, Block, Cell, Curves, Report, Section, Series, Table
from scenograph.data.datasets import dataset_card
from scenograph.methods.evaluation import PROTOCOLS, Direction, Protocol

DIRECTIONS: dict[Direction, str] = {"image to text": "I2T", "text to image": "T2I"}
_SUMMARY = (
    "Relevant is what shares a class with the query; ties count by their expectation over all orders. "
    "MAP@ALL is over the whole ranking, MAP@50 over its first 50: the two are never comparable."
)
_TEXTS: dict[Protocol | None, str] = {
    None: "Queries and database are unseen items of the two modalities, ranked by cosine.",
    "paper": (
        "The database is what the method was trained on, with the codes that it learned for these items "
        "where it learns such codes; the queries are hashed test items. This is what most papers print.\n"
        "Learned codes may hold the items' labels, so the figures say little of a collection that grows."
    ),
    "inductive": (
        "The database is items that the method has never seen, hashed by its hash functions: what a search "
        "among new items finds. Papers seldom print it."
    ),
}
_Group = list[Measured]


def features_report(dataset: str, measured: Sequence[Measured]) -> Report:
    """One section for each protocol that was measured, or one for real-valued methods."""
    card = dataset_card(dataset)
    kind = "Hashing" if measured[0].bits else "Real-valued methods"
    seeds = ", ".join(str(seed) for seed in dict.fromkeys(each.seed for each in measured))
    sections = []
    for protocol in (None, *PROTOCOLS):
        own = [each for each in measured if each.protocol == protocol]
        if own:
            sections.append(_section(dataset, protocol, own))
    facts = run_facts(dataset=f"{card.title}; {card.modality}", splits=card.protocol, seed=seeds)
    return Report(f"{kind} on {card.title}", facts, tuple(sections), _SUMMARY)


def _section(dataset: str, protocol: Protocol | None, measured: Sequence[Measured]) -> Section:
    groups: dict[tuple[str, int | None], _Group] = {}
    for each in measured:
        groups.setdefault((each.method, each.bits), []).append(each)
    name = f"{protocol} protocol" if protocol else "real-valued"
    blocks: list[Block] = [_map_table(dataset, f"MAP, {name}", protocol, groups)]
    if protocol:
        blocks += [_map_bars(f"{way}, {name}", way, groups) for way in DIRECTIONS]
    blocks += [_precision_recall(f"By rank, {way}, {name}", way, groups) for way in DIRECTIONS]
    if protocol:
        blocks += [_by_radius(f"By Hamming radius, {way}, {name}", way, groups) for way in DIRECTIONS]
        blocks.append(_lookup_table(f"Lookup within Hamming radius 2, {name}", groups))
    return Section(name[0].upper() + name[1:], tuple(blocks), _TEXTS[protocol])


def _map_table(
    dataset: str, title: str, protocol: Protocol | None, groups: dict[tuple[str, int | None], _Group]
) -> Table:
    several = all(len({each.seed for each in group}) > 1 for group in groups.values())
    printed = {group: None if protocol == "inductive" else published(dataset, *group) for group in groups}
    rows = []
    for (method, bits), group in groups.items():
        ways = [[each.ranking for each in group if each.direction == way] for way in DIRECTIONS]
        cells: list[Cell] = [method, bits] if protocol else [method]
        cells += [fmean(score.map_all for score in scores) for scores in ways]
        if several:
            cells += [stdev(score.map_all for score in scores) for scores in ways]
        cells += [fmean(score.map_50 for score in scores) for scores in ways]
        cells += [fmean(score.precision[100] for score in scores) for scores in ways]
        if any(printed.values()):
            known = printed[method, bits]
            cells.append(f"{known.image_to_text:.3f} / {known.text_to_image:.3f}" if known else "")
        cells.append(f"{fmean(each.seconds for each in group):.1f} s")
        rows.append(tuple(cells))
    columns = ["method", "bits"] if protocol else ["method"]
    columns += ["I2T MAP@ALL", "T2I MAP@ALL", *(("I2T ±", "T2I ±") if several else ())]
    columns += ["I2T MAP@50", "T2I MAP@50", "I2T P@100", "T2I P@100"]
    columns += [*(("published MAP@ALL",) if any(printed.values()) else ()), "training"]
    note = _note(dataset, protocol, groups)
    return Table(tuple(columns), tuple(rows), title, note, best=("I2T MAP@ALL", "T2I MAP@ALL"))


def _note(dataset: str, protocol: Protocol | None, groups: dict[tuple[str, int | None], _Group]) -> str:
    first = next(iter(groups.values()))[0].ranking
    lines = [f"Chance: {first.chance:.3f}; {first.queries} queries, {first.database} items."]
    if protocol == "paper":
        learned = {group[0].method: group[0].learned for group in groups.values()}
        told = ", ".join(f"{name} {count}" for name, count in learned.items())
        lines.append(f"Items with learned codes: {told}.")
    if protocol != "inductive":
        sources: dict[str, list[str]] = {}
        for method, bits in groups:
            if known := published(dataset, method, bits):
                cited = sources.setdefault(f"{known.source} ({known.tag}; {known.setting})", [])
                cited += [method] if method not in cited else []
        lines += [f"Published: {', '.join(methods)}: {source}." for source, methods in sources.items()]
    return " ".join(lines)


def _lookup_table(title: str, groups: dict[tuple[str, int | None], _Group]) -> Table:
    names = ("success", "precision", "recall")
    rows = []
    for (method, bits), group in groups.items():
        cells: list[Cell] = [method, bits]
        for way in DIRECTIONS:
            lookups = [each.hashing.lookup for each in group if each.direction == way and each.hashing]
            cells += [fmean(getattr(lookup, name) for lookup in lookups) for name in names]
        rows.append(tuple(cells))
    columns = ("method", "bits", *(f"{short} {name}" for short in DIRECTIONS.values() for name in names))
    note = "Success: queries whose ball holds any item. An empty ball has precision 0."
    return Table(columns, tuple(rows), title, note)


def _map_bars(title: str, direction: Direction, groups: dict[tuple[str, int | None], _Group]) -> Bars:
    lengths = list(dict.fromkeys(bits for _, bits in groups))
    series = []
    for method in dict.fromkeys(method for method, _ in groups):
        means = [
            100 * fmean(each.ranking.map_all for each in groups[method, bits] if each.direction == direction)
            for bits in lengths
        ]
        series.append(Series(method, tuple(f"{bits} bits" for bits in lengths), tuple(means)))
    return Bars(f"MAP@ALL, {title}", "per cent", tuple(series))


def _precision_recall(
    title: str, direction: Direction, groups: dict[tuple[str, int | None], _Group]
) -> Curves:
    series = [
        Series(_name(each), each.ranking.curve.recall, each.ranking.curve.precision)
        for each in _shown(direction, groups)
    ]
    return Curves(title, "recall", "precision", tuple(series))


def _by_radius(title: str, direction: Direction, groups: dict[tuple[str, int | None], _Group]) -> Curves:
    series = [
        Series(_name(each), each.hashing.by_radius.recall, each.hashing.by_radius.precision)
        for each in _shown(direction, groups)
        if each.hashing
    ]
    note = "One point a radius; precision over the queries whose ball holds an item."
    return Curves(title, "recall", "precision", tuple(series), note)


def _shown(direction: Direction, groups: dict[tuple[str, int | None], _Group]) -> Iterable[Measured]:
    """What curves show: each method's first seed, at its longest code."""
    longest: dict[str, int | None] = {}
    for method, bits in groups:
        longest[method] = max(longest.get(method) or 0, bits or 0) or None
    for method, bits in longest.items():
        yield next(each for each in groups[method, bits] if each.direction == direction)


def _name(each: Measured) -> str:
    return f"{each.method}, {each.bits} bits" if each.bits else each.method
