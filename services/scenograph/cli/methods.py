"""`scenograph methods`: the catalogue of published methods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, TypeGuard, get_args

import typer
from rich.markup import escape
from rich.table import Table

from scenograph.cli.options import Json
from scenograph.cli.output import out, print_json

if TYPE_CHECKING:
    from scenograph.components import Signature
    from scenograph.methods.recipe import Named, Recipe

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_command(
    family: Annotated[str, typer.Option(help="Only this family, such as closed-form or deep.")] = "",
    as_json: Json = False,
) -> None:
    """List the methods: key, family, what they learn, title, paper."""
    from scenograph.methods.catalogue import list_methods
    from scenograph.methods.recipe import Family
    from scenograph.scene.errors import InvalidInput

    if family and family not in get_args(Family):
        raise InvalidInput(f"no family {family!r}; there are: {', '.join(get_args(Family))}", field="family")
    found = [recipe for recipe in list_methods() if family in {"", recipe.family}]
    if as_json:
        print_json([_facts(recipe) for recipe in found])
        return
    table = Table("key", "family", "learns", "title", "paper")
    for recipe in found:
        table.add_row(*map(escape, (recipe.key, recipe.family, _learns(recipe), recipe.title, recipe.paper)))
    out.print(table)


@app.command("show")
def show(
    key: Annotated[str, typer.Argument(help="A method's key.")],
    as_json: Json = False,
) -> None:
    """Show a method: its paper, its inputs, its components with every parameter, how it is trained."""
    import msgspec

    from scenograph.methods.catalogue import get_method
    from scenograph.methods.recipe import to_json

    recipe = get_method(key)
    if as_json:
        print_json(msgspec.json.decode(to_json(recipe)))
        return
    for name, value in _facts(recipe).items():
        text = value if isinstance(value, str) else ", ".join(value)
        if text:
            out.print(f"[bold]{name}[/]: {escape(text)}", highlight=False)
    table = Table("table", "component", "parameter", "value", "default", "what it is")
    for place, one, signature in _components(recipe):
        first = (place, one.name, signature.summary)
        for parameter in signature.parameters or (None,):
            row = ("", "", "")
            if parameter is not None:
                value = _shown(one.parameters[parameter.name]) if parameter.name in one.parameters else ""
                default = "" if parameter.required else repr(parameter.default)
                row = (f"{parameter.name}: {parameter.annotation}", value, default)
            table.add_row(*map(escape, (*first[:2], *row, first[2])))
            first = ("", "", "")
    out.print(table)
    if recipe.solver is None or recipe.nets:
        for name in ("optimizer", "schedule", "train"):
            settings = msgspec.structs.asdict(getattr(recipe, name))
            text = ", ".join(f"{key} = {value!r}" for key, value in settings.items())
            out.print(f"[bold]{name}[/]: {escape(text)}", highlight=False)


def _components(recipe: Recipe) -> Iterator[tuple[str, Named, Signature]]:
    """The recipe's components, each alternating solver followed by the terms that it minimises."""
    from scenograph.components import terms
    from scenograph.methods.catalogue import components_of
    from scenograph.methods.recipe import Named

    for table, one, signature in components_of(recipe):
        yield table, one, signature
        if _is_list_of_tables(listed := one.parameters.get("terms")):
            for number, term in enumerate(listed):
                own = {key: value for key, value in term.items() if key != "name"}
                yield f"terms.{number}", Named(term["name"], own), terms.signature(term["name"])


def _shown(value: object) -> str:
    return f"{len(value)}, below" if _is_list_of_tables(value) else repr(value)


def _is_list_of_tables(value: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _learns(recipe: Recipe) -> str:
    if recipe.task is not None:
        return "a part of the default pack" if recipe.family == "default" else "a score"
    return "vectors" if recipe.head.kind == "real" else "codes"


def _facts(recipe: Recipe) -> dict[str, str | tuple[str, ...]]:
    return {
        "key": recipe.key,
        "title": recipe.title,
        "family": recipe.family,
        "paper": recipe.paper,
        "source": recipe.source,
        "inputs": recipe.inputs,
        "learns": _learns(recipe),
        "note": recipe.note,
    }
