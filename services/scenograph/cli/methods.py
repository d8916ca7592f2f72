"""`scenograph methods`: the catalogue of published methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from scenograph.cli.options import Json
from scenograph.cli.output import out, print_json

if TYPE_CHECKING:
    from scenograph.methods.recipe import Recipe

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_command(
    family: Annotated[str, typer.Option(help="Only this family, such as closed-form or deep.")] = "",
    as_json: Json = False,
) -> None:
    """List the methods: key, family, what they learn, title, paper."""
    from scenograph.methods.catalogue import list_methods

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

    from scenograph.methods.catalogue import components_of, get_method
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
    for place, one, signature in components_of(recipe):
        first = (place, one.name, signature.summary)
        for parameter in signature.parameters or (None,):
            row = ("", "", "")
            if parameter is not None:
                value = repr(one.parameters[parameter.name]) if parameter.name in one.parameters else ""
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
