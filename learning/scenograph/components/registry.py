"""A registry of one kind of component: registered by a decorator, looked up without importing."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from scenograph.components.signatures import Signature, read_signatures
from scenograph.scene.errors import AlreadyExists, NotFound

# A component may stand in any of these packages.
PACKAGES = (
    "scenograph.losses",
    "scenograph.nn",
    "scenograph.data",
    "scenograph.methods",
    "scenograph.train",
    "scenograph.packs",
)

Component = TypeVar("Component", bound=Callable[..., Any])


class Registry:
    """Components of one kind by name, `@losses("infonce.v1")`.

    The decorator takes a class, or a function that builds the component. Parameters before a `/` are given by
    whoever builds it, as are those named in `supplied`; all others come from the recipe. `extra` files are a
    recipe's own components.
    """

    def __init__(self, kind: str, supplied: Iterable[str] = ()) -> None:
        self.kind = kind
        self._supplied = frozenset(supplied)
        self._registered: dict[str, Callable[..., Any]] = {}

    def __call__(self, name: str) -> Callable[[Component], Component]:
        """Register under `name`. Errors: AlreadyExists (another component has that name)."""

        def register(component: Component) -> Component:
            known = self._registered.get(name)
            if known is not None and _origin(known) != _origin(component):
                raise AlreadyExists(
                    f'{self.kind} "{name}" is registered twice: {_origin(known)}, {_origin(component)}'
                )
            self._registered[name] = component
            return component

        return register

    def names(self, extra: Iterable[Path] = ()) -> list[str]:
        """All known names, sorted."""
        return sorted(self._declared(extra))

    def signature(self, name: str, extra: Iterable[Path] = ()) -> Signature:
        """What the component takes, from its source. Errors: NotFound, naming the known ones."""
        declared = self._declared(extra)
        if name not in declared:
            raise NotFound(
                f'{self.kind} "{name}" is not known{near(name, declared)}; known: {_listed(declared)}'
            )
        found = declared[name]
        return replace(
            found,
            parameters=tuple(one for one in found.parameters if one.name not in self._supplied),
            supplied=tuple(one.name for one in found.parameters if one.name in self._supplied),
        )

    def get(self, name: str, extra: Iterable[Path] = ()) -> Callable[..., Any]:
        """The class or function itself; its module is imported now. Errors: NotFound."""
        if name not in self._registered:
            signature = self.signature(name, extra)
            if signature.path in set(extra):
                import_file(signature.path)
            else:
                importlib.import_module(_module(signature.path))
        return self._registered[name]

    def build(
        self, name: str, *given: object, parameters: dict[str, Any] | None = None, extra: Iterable[Path] = ()
    ) -> Any:
        """Build the component; it gets as many of `given` as its signature has parameters before a `/`.

        Errors: NotFound (unknown name); InvalidInput (by the component itself).
        """
        extra = tuple(extra)
        taken = len(self.signature(name, extra).given)
        return self.get(name, extra)(*given[:taken], **(parameters or {}))

    def _declared(self, extra: Iterable[Path]) -> dict[str, Signature]:
        declared: dict[str, Signature] = {}
        for path in (*_sources(), *extra):
            for signature in read_signatures(path):
                if signature.kind != self.kind:
                    continue
                other = declared.setdefault(signature.name, signature)
                if other is not signature:
                    raise AlreadyExists(
                        f'{self.kind} "{signature.name}" is declared twice: '
                        f"{other.path}:{other.line} and {path}:{signature.line}"
                    )
        return declared


def near(name: str, known: Iterable[str]) -> str:
    """ "; did you mean ...?" where a known name is close, else nothing."""
    matches = difflib.get_close_matches(name, list(known), n=3)
    return f"; did you mean {' or '.join(repr(match) for match in matches)}?" if matches else ""


def import_file(path: Path) -> None:
    """Import a recipe's own component file, once."""
    name = f"scenograph_recipe_{path.stem}_{abs(hash(path)):x}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _sources() -> list[Path]:
    return [
        path for package in PACKAGES for folder in _folders(package) for path in sorted(folder.rglob("*.py"))
    ]


def _folders(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)  # imports the namespace `scenograph` alone
    return [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []


def _module(path: Path) -> str:
    for package in PACKAGES:
        for folder in _folders(package):
            if path.is_relative_to(folder):
                parts = path.relative_to(folder).with_suffix("").parts
                return ".".join((package, *(part for part in parts if part != "__init__")))
    raise NotFound(f"{path} is in none of {', '.join(PACKAGES)}")


def _origin(component: Callable[..., Any]) -> str:
    return f"{component.__module__}.{component.__qualname__}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
