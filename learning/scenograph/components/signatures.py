"""What a component takes, read from its source: nothing is imported."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

KINDS = ("losses", "nets", "hooks", "tasks", "sources", "solvers", "terms")
_DECORATED = re.compile(rf"^@(?:\w+\.)*(?:{'|'.join(KINDS)})\(", re.MULTILINE)
_SIMPLE: dict[str, Any] = {"int": int, "float": float, "str": str, "bool": bool, "None": None}
_GENERIC: dict[str, Any] = {"tuple": tuple, "list": list, "dict": dict, "Sequence": list, "Mapping": dict}

REQUIRED = object()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter that a recipe may give; `type` is None where TOML cannot hold what is annotated."""

    name: str
    annotation: str
    type: Any
    default: object = REQUIRED

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    def __str__(self) -> str:
        default = "" if self.required else f" = {self.default!r}"
        return f"{self.name}: {self.annotation}{default}"


@dataclass(frozen=True, slots=True)
class Signature:
    """A component as its source declares it.

    A recipe gives `parameters` alone. Whoever builds the component gives the others: `given` are the
    positional-only ones (those before `/`), `supplied` those that the registry keeps for itself by name.
    """

    kind: str
    name: str
    path: Path
    line: int
    qualname: str
    summary: str
    given: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    supplied: tuple[str, ...] = ()


def read_signatures(path: Path) -> tuple[Signature, ...]:
    """The components that a Python file declares by `@kind("name")`. Errors: OSError, SyntaxError."""
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4096)
def _read(path: Path, _mtime: int, _size: int) -> tuple[Signature, ...]:
    source = path.read_text(encoding="utf-8")
    if not _DECORATED.search(source):
        return ()
    tree = ast.parse(source, filename=str(path))
    aliases = dict(_aliases(tree))
    return tuple(
        _signature(kind, name, path, node, aliases)
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
        for kind, name in _registrations(node)
    )


def _registrations(node: ast.ClassDef | ast.FunctionDef) -> Iterator[tuple[str, str]]:
    for decorator in node.decorator_list:
        match decorator:
            case ast.Call(
                func=ast.Name(id=kind) | ast.Attribute(attr=kind), args=[ast.Constant(value=str(name))]
            ) if kind in KINDS:
                yield kind, name


def _aliases(tree: ast.Module, *, follow: bool = True) -> Iterator[tuple[str, ast.expr]]:
    """Names of types that the module gives, such as `Mode = Literal["all", "hardest"]`, or takes from another
    module of scenograph.
    """
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case ast.ImportFrom(module=str(module), names=names, level=0) if follow:
                wanted = {one.name: one.asname or one.name for one in names}
                path = _source(module)
                if path is not None and any(name[:1].isupper() for name in wanted):
                    other = ast.parse(path.read_text(encoding="utf-8"))
                    yield from (
                        (wanted[name], value)
                        for name, value in _aliases(other, follow=False)
                        if name in wanted
                    )


def _source(module: str) -> Path | None:
    """The file of a module of scenograph, found without importing it."""
    first, *rest = module.split(".")
    spec = importlib.util.find_spec(first) if first == "scenograph" and rest else None
    folders = [] if spec is None else [Path(folder) for folder in spec.submodule_search_locations or ()]
    files = (folder.joinpath(*rest).with_suffix(".py") for folder in folders)
    return next((file for file in files if file.is_file()), None)


def _signature(
    kind: str,
    name: str,
    path: Path,
    node: ast.ClassDef | ast.FunctionDef,
    aliases: Mapping[str, ast.expr],
) -> Signature:
    given: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    initialiser = node if isinstance(node, ast.FunctionDef) else _initialiser(node)
    if initialiser is not None:
        positional = [argument.arg for argument in initialiser.args.posonlyargs]
        given = tuple(positional[1:] if isinstance(node, ast.ClassDef) else positional)
        parameters = tuple(_parameters(initialiser, isinstance(node, ast.ClassDef), aliases))
    elif isinstance(node, ast.ClassDef) and _is_dataclass(node):
        parameters = tuple(_fields(node, aliases))
    summary = _first_sentence(ast.get_docstring(node) or "")
    return Signature(kind, name, path, node.lineno, node.name, summary, given, parameters)


def _first_sentence(docstring: str) -> str:
    """What a component is, in one sentence; a formula in a paragraph of its own is left out."""
    paragraph = " ".join(docstring.partition("\n\n")[0].split())
    return re.sub(r":$", ".", re.split(r"(?<=\.) (?=\W?[A-Z])", paragraph, maxsplit=1)[0])


def _initialiser(node: ast.ClassDef) -> ast.FunctionDef | None:
    methods = (part for part in node.body if isinstance(part, ast.FunctionDef))
    return next((method for method in methods if method.name == "__init__"), None)


def _is_dataclass(node: ast.ClassDef) -> bool:
    names = (
        decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in node.decorator_list
    )
    return any(isinstance(name, ast.Name) and name.id == "dataclass" for name in names)


def _fields(node: ast.ClassDef, aliases: Mapping[str, ast.expr]) -> Iterator[Parameter]:
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            yield _parameter(part.target.id, part.annotation, part.value, aliases)


def _parameters(
    function: ast.FunctionDef, is_method: bool, aliases: Mapping[str, ast.expr]
) -> Iterator[Parameter]:
    arguments = function.args
    skip = 1 if is_method and not arguments.posonlyargs else 0
    plain = arguments.args[skip:]
    missing: list[ast.expr | None] = [None] * max(len(plain) - len(arguments.defaults), 0)
    defaults = [*missing, *arguments.defaults[max(len(arguments.defaults) - len(plain), 0) :]]
    pairs = [
        *zip(plain, defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    for argument, default in pairs:
        yield _parameter(argument.arg, argument.annotation, default, aliases)


def _parameter(
    name: str, annotation: ast.expr | None, default: ast.expr | None, aliases: Mapping[str, ast.expr]
) -> Parameter:
    text = "Any" if annotation is None else ast.unparse(annotation)
    kind = None if annotation is None else _type(annotation, aliases)
    value: object = REQUIRED
    if default is not None:
        try:
            value = ast.literal_eval(default)
        except ValueError:
            value = ast.unparse(default)
    return Parameter(name, text, kind, value)


def _type(node: ast.expr, aliases: Mapping[str, ast.expr]) -> Any:
    """The type that an annotation names, or None where it is not one of those that TOML can hold."""
    try:
        return _typed(node, aliases)
    except (KeyError, TypeError):
        return None


def _typed(node: ast.expr, aliases: Mapping[str, ast.expr]) -> Any:
    match node:
        case ast.Constant(value=str(text)):
            return _typed(ast.parse(text, mode="eval").body, aliases)
        case ast.Constant(value=None):
            return None
        case ast.Name(id=name) if name in _SIMPLE:
            return _SIMPLE[name]
        case ast.Name(id=name):
            return _typed(aliases[name], {key: value for key, value in aliases.items() if key != name})
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _typed(left, aliases) | _typed(right, aliases)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=choices):
            values = choices.elts if isinstance(choices, ast.Tuple) else [choices]
            return Literal[tuple(ast.literal_eval(value) for value in values)]
        case ast.Subscript(value=ast.Name(id=name), slice=inner):
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            types = tuple(... if _is_ellipsis(part) else _typed(part, aliases) for part in parts)
            generic: Callable[[Any], Any] = _GENERIC[name].__class_getitem__
            return generic(types)
    raise KeyError(ast.unparse(node))


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...
