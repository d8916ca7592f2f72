"""The tables of docs/methods.md, made from the recipes: `python -m scenograph.methods.table docs/methods.md`.

A document asks for a table by a pair of lines, `<!-- methods: FAMILY -->` or `<!-- components: KIND -->`, and
`<!-- end -->`; what stands between them is replaced.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from scenograph.components import REGISTRIES
from scenograph.methods.catalogue import list_methods
from scenograph.methods.recipe import Recipe

PLACE = re.compile(r"(<!-- (methods|components): ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(document: str) -> str:
    """The document with every table that it asks for as the recipes and components have it now."""

    def fill(place: re.Match[str]) -> str:
        begin, what, name, end = place.groups()
        table = methods_table(name) if what == "methods" else components_table(name)
        return f"{begin}{table}{end}"

    return PLACE.sub(fill, document)


def methods_table(family: str) -> str:
    """The methods of a family, as a Markdown table."""
    rows = [_row(recipe) for recipe in list_methods() if recipe.family == family]
    return _table(("key", "method", "paper", "learns from", "gives", "made of"), rows)


def components_table(kind: str) -> str:
    """The components of a kind, as a Markdown table."""
    registry = REGISTRIES[kind]
    signatures = [registry.signature(name) for name in registry.names()]
    rows = [
        (f"`{one.name}`", one.summary, ", ".join(f"`{parameter}`" for parameter in one.parameters))
        for one in signatures
    ]
    return _table(("name", "what it is", "parameters"), rows)


def _row(recipe: Recipe) -> tuple[str, ...]:
    gives = f"{recipe.head.dimension} dimensions" if recipe.head.kind == "real" else "codes"
    gives = "scores of pairs" if "matcher" in recipe.nets else gives
    return (
        f"`{recipe.key}`",
        recipe.title,
        recipe.paper,
        ", ".join(recipe.inputs),
        gives,
        " + ".join(f"`{name}`" for name in _made_of(recipe)),
    )


def _made_of(recipe: Recipe) -> Iterable[str]:
    """The solver's terms where it has them, else the solver; nets, losses and hooks of a trained method."""
    if recipe.task is not None:
        yield recipe.task.name
    yield from dict.fromkeys(net.name for net in recipe.nets.values())
    yield from dict.fromkeys(term.name for term in recipe.loss)
    yield from dict.fromkeys(hook.name for hook in recipe.hook)
    if recipe.solver is not None:
        names = [str(table.get("name")) for table in recipe.solver.parameters.get("terms", ())]
        yield from dict.fromkeys(names or [recipe.solver.name])


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [tuple(head)]
    lines.append(tuple("---" for _ in lines[0]))
    lines += [tuple(cell.replace("|", r"\|") for cell in row) for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
