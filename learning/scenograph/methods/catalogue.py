"""Finds and reads recipes, and checks all that they name, before torch or any component is imported."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from scenograph.components import Registry, Signature, hooks, losses, nets, solvers, tasks
from scenograph.components.check import checked
from scenograph.components.registry import near
from scenograph.methods.recipe import Named, Recipe, decode
from scenograph.scene.errors import InvalidInput, NotFound

FOLDER = Path(__file__).resolve().parent


def list_methods() -> list[Recipe]:
    """Every method of the catalogue, sorted by key. Errors: InvalidInput (a recipe is wrong)."""
    return [get_method(key) for key in _keys()]


def get_method(key: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """The method of that key. Errors: NotFound, naming the known ones; InvalidInput (a recipe is wrong)."""
    return load_recipe(method_path(key), overrides)


def method_path(key: str) -> Path:
    """The catalogue's file of that key. Errors: NotFound, naming the known ones."""
    known = _keys()
    if key not in known:
        raise NotFound(f'method "{key}" is not known{near(key, known)}; known: {", ".join(known) or "none"}')
    return FOLDER / f"{key}.toml"


def _keys() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_recipe(path: Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe in a TOML file, checked. `overrides` are values by dotted key, such as "loss.0.margin".

    Errors: InvalidInput naming file, table and key (no TOML; an unknown or ill-typed key; an unknown
    component; a component's unknown, missing or ill-typed parameter); NotFound (no such file).
    """
    name = path.name
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(f"there is no recipe {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{name}: {error}") from None
    for key, value in (overrides or {}).items():
        _override(content, key, value, name)
    try:
        recipe = msgspec.convert(content, Recipe, dec_hook=decode)
    except msgspec.ValidationError as error:
        raise InvalidInput(_told(name, str(error))) from None
    if recipe.key != path.stem:
        raise InvalidInput(f'{name}: key = "{recipe.key}" is not the name of the file', field="key")
    _check_shape(recipe, name)
    return _check_components(recipe, name, path.parent)


def components_of(recipe: Recipe) -> list[tuple[str, Named, Signature]]:
    """Every component that the recipe names: its table, what it gives, and the component's signature."""
    extra = tuple(map(Path, recipe.components))
    return [(table, one, registry.signature(one.name, extra)) for registry, one, table in _named(recipe)]


def _check_shape(recipe: Recipe, name: str) -> None:
    """A recipe has a solver, or a task, or nets and losses."""
    if recipe.task is not None or (recipe.solver is not None and not recipe.nets):
        return
    missing = [f"[nets.{side}]" for side in ("image", "text") if side not in recipe.nets]
    if not recipe.loss:
        missing.append("[[loss]]")
    if missing:
        raise InvalidInput(f"{name}: needs {' and '.join(missing)}, or a [solver], or a [task]")


def _check_components(recipe: Recipe, name: str, folder: Path) -> Recipe:
    """The recipe with every parameter in its component's type, and whole paths of its own component files."""
    extra = tuple((folder / file).resolve() for file in recipe.components)
    for file in extra:
        if not file.is_file():
            raise InvalidInput(f"{name}: components: there is no file {file}", field="components")
    for registry, one, table in _named(recipe):
        one.parameters = checked(registry, one.name, one.parameters, where=f"{name}: {table}", extra=extra)
    solver = recipe.solver
    learns_codes = solver is not None and "bits" in solvers.signature(solver.name, extra).supplied
    if solver is not None and learns_codes and recipe.head.kind == "real":
        raise InvalidInput(f'{name}: [head] kind: "{solver.name}" learns codes, so kind = "sign"')
    return msgspec.structs.replace(recipe, components=tuple(map(str, extra)))


def _named(recipe: Recipe) -> Iterable[tuple[Registry, Named, str]]:
    """Every component that the recipe names, with its registry and its table."""
    if recipe.task is not None:
        yield tasks, recipe.task, "[task]"
    if recipe.solver is not None:
        yield solvers, recipe.solver, "[solver]"
    for side, net in recipe.nets.items():
        yield nets, net, f"[nets.{side}]"
    for place, term in enumerate(recipe.loss, start=1):
        yield losses, term, f"[[loss]] {place}"
    for place, hook in enumerate(recipe.hook, start=1):
        yield hooks, hook, f"[[hook]] {place}"


def _override(content: dict[str, Any], key: str, value: Any, name: str) -> None:
    """Set a value by its dotted key; numbers count the tables of an array from 0."""
    *way, last = key.split(".")
    place: Any = content
    try:
        for part in way:
            place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
        place[int(last) if isinstance(place, list) else last] = value
    except (IndexError, ValueError, TypeError, AttributeError):
        raise InvalidInput(f"{name}: there is no {key} to set", field=key) from None


def _told(name: str, message: str) -> str:
    """msgspec's message with table and key in front, and near names for an unknown field."""
    text, _, place = message.replace("`", "").partition(" - at $")
    parts = [part for part in re.split(r"[.\[\]]+", place.replace("...", "*")) if part]
    where = _where(parts)
    unknown = re.fullmatch(r"Object contains unknown field (.+)", text)
    if unknown:
        known = _fields(parts)
        hint = near(unknown[1], known)
        text = f"{unknown[1]}: there is no such key{hint}; known: {', '.join(known)}"
    return f"{name}: {where}{text}"


def _where(parts: list[str]) -> str:
    if not parts:
        return ""
    if len(parts) > 1 and parts[1].isdigit():
        return f"[[{parts[0]}]] {int(parts[1]) + 1}: " + "".join(f"{part}: " for part in parts[2:])
    is_table = parts[0] in {"data", "head", "optimizer", "schedule", "train", "nets", "task", "solver"}
    return (f"[{parts[0]}] " if is_table else f"{parts[0]}: ") + "".join(f"{part}: " for part in parts[1:])


def _fields(parts: list[str]) -> list[str]:
    """The keys of the table that a path leads to."""
    table: Any = Recipe
    for part in parts:
        found = {field.name: field.type for field in msgspec.structs.fields(table)}.get(part)
        if not (isinstance(found, type) and issubclass(found, msgspec.Struct)):
            break
        table = found
    return list(table.__struct_fields__)
