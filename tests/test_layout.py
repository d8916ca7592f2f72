"""The layout holds: a namespace package without a root module, and every package under the import rules."""

from __future__ import annotations

import tomllib

from tests.support import ROOT

SOURCE_ROOTS = ("protos", "graphs", "learning", "export", "services")


def packages() -> set[str]:
    folders = [folder for root in SOURCE_ROOTS for folder in (ROOT / root / "scenograph").glob("*")]
    return {f"scenograph.{folder.name}" for folder in folders if (folder / "__init__.py").exists()}


def test_there_is_no_root_module() -> None:
    assert not [root for root in SOURCE_ROOTS if (ROOT / root / "scenograph" / "__init__.py").exists()]


def test_every_package_is_typed() -> None:
    folders = [
        ROOT / root / "scenograph" / name.partition(".")[2] for root in SOURCE_ROOTS for name in packages()
    ]
    assert [folder for folder in folders if folder.is_dir() and not (folder / "py.typed").exists()] == []


def test_import_rules_know_every_package() -> None:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert packages() == set(rules["root_packages"])
