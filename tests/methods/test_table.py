"""docs/methods.md says what the recipes say."""

from __future__ import annotations

from typing import get_args

import pytest
from tests.support import ROOT

from scenograph.methods.catalogue import list_methods
from scenograph.methods.recipe import Family
from scenograph.methods.table import filled, methods_table

DOCUMENT = ROOT / "docs" / "methods.md"
AGAIN = "run: python -m scenograph.methods.table docs/methods.md"


def test_the_document_has_todays_tables() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert filled(document) == document, AGAIN


@pytest.mark.parametrize("family", sorted({*get_args(Family)} - {"default"}))
def test_the_document_lists_every_family(family: str) -> None:
    assert f"<!-- methods: {family} -->\n" in DOCUMENT.read_text(encoding="utf-8")


def test_tables_are_put_where_they_are_asked_for() -> None:
    document = "before\n<!-- methods: closed-form -->\nold\n<!-- end -->\nafter\n"
    changed = filled(document)
    assert changed.startswith("before\n<!-- methods: closed-form -->\n| key |")
    assert changed.endswith("|\n<!-- end -->\nafter\n")
    assert "old" not in changed
    assert filled(changed) == changed


def test_a_table_has_a_row_a_method() -> None:
    keys = [recipe.key for recipe in list_methods() if recipe.family == "alternating"]
    assert [line.split("`")[1] for line in methods_table("alternating").splitlines()[2:]] == keys
