"""Model cards: what is measured later stands at their end, once."""

from __future__ import annotations

from pathlib import Path

from scenograph.methods.catalogue import get_method
from scenograph.packs.training.card import Card, add_measured, write_card


def test_measuring_again_takes_the_place_of_what_was_measured(tmp_path: Path) -> None:
    (tmp_path / "hash_head.safetensors").write_bytes(b"weights")
    card = tmp_path / "hash_head.md"
    write_card(card, Card(get_method("default-hash"), "digest", 6000, {"loss": 1.0}))
    before = card.read_text()
    add_measured(card, "| first |\n")
    add_measured(card, "| second |\n")
    after = card.read_text()
    assert after.startswith(before)
    assert after.endswith("| second |\n")
    assert "first" not in after
