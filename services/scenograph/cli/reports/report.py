"""What a report holds: facts of the run, and sections of tables, curves, bars and examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Cell = str | int | float | None
"""Numbers are printed as they are measured, rounded; None is an empty cell."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of as many cells as there are columns.

    `digits` is how many decimals floats are printed with; `best` names columns whose highest number stands
    out.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    note: str = ""
    digits: int = 3
    best: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells in a table of {len(self.columns)} columns")


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a plot, or one colour of its bars."""

    name: str
    x: tuple[float, ...] | tuple[str, ...]
    y: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y):
            raise ValueError(f"{self.name}: {len(self.x)} values of x, {len(self.y)} of y")


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines over numbers, such as precision over recall."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """Groups of bars: `x` of every series names the groups, such as R@1, R@5 and R@10."""

    title: str
    y_label: str
    series: tuple[Series, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A photograph or a sentence in an example; `right` marks right and wrong hits, None a query.

    `photo` is the bytes of a JPEG, PNG or WebP file; the page shows it small.
    """

    text: str = ""
    photo: bytes | None = field(default=None, repr=False)
    right: bool | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A query and what was found for it, best first."""

    query: Item
    hits: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Examples:
    """Queries with their hits."""

    title: str
    examples: tuple[Example, ...]
    note: str = ""


Block = Table | Curves | Bars | Examples


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under one heading; `text` says what was measured and how to read it, a paragraph a line."""

    title: str
    blocks: tuple[Block, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All of one measurement. `facts` are the lines about the run: command, machine, versions, seed, date."""

    title: str
    facts: Mapping[str, str]
    sections: tuple[Section, ...]
    summary: str = ""


def shown(cell: Cell, digits: int) -> str:
    """A cell as it is printed."""
    if cell is None:
        return ""
    return f"{cell:.{digits}f}" if isinstance(cell, float) else str(cell)


def best_rows(table: Table, column: str) -> set[int]:
    """The rows with a column's highest number, as printed."""
    place = table.columns.index(column)
    cells = [row[place] for row in table.rows]
    numbers = [round(cell, table.digits) if isinstance(cell, int | float) else None for cell in cells]
    highest = max((number for number in numbers if number is not None), default=None)
    return {row for row, number in enumerate(numbers) if number is not None and number == highest}
