"""A small share of the fuzzing, at each change; `python -m tests.faults.fuzz` does more."""

from __future__ import annotations

from pathlib import Path

from scenograph.packs import Pack
from tests.faults.fuzz import SETTINGS, fuzz
from tests.faults.fuzzing.methods import METHODS
from tests.faults.fuzzing.seeds import seeds
from tests.faults.servers import Restartable


def test_every_rpc_has_seeds() -> None:
    assert {seed.method for seed in seeds()} == set(METHODS)


def test_mutated_requests(default_pack: Pack, tmp_path: Path) -> None:
    """None crashes the server, is answered INTERNAL, or changes what others are answered."""
    server = Restartable(tmp_path, settings=SETTINGS)
    with server:
        result = fuzz(server, requests=1500, seed=11, warm=500)
    assert result["sound"], (result, server.log.read_text()[-3000:])
    assert result["methods"] == len(METHODS)
