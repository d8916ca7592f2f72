"""Registries: looked up in the source, imported when built, strict about names and parameters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from scenograph.components import REGISTRIES, Registry
from scenograph.components.check import checked
from scenograph.components.signatures import KINDS, read_signatures
from scenograph.scene.errors import AlreadyExists, InvalidInput, NotFound

SOURCE = '''
from __future__ import annotations
from dataclasses import dataclass
from typing import Literal
from scenograph.components import losses, nets
raise RuntimeError("this file is read, not imported")
Mode = Literal["all", "hardest"]

@losses("first.v1")
class First:
    """Pulls pairs together.

    More.
    """
    def __init__(
        self, sizes, /, *, margin: float, mode: Mode = "all", hidden: tuple[int, ...] = (64, 32)
    ) -> None: ...

@losses("second.v1")
@dataclass
class Second:
    """Pushes what is not a pair apart, as far
    as X - Y needs:

    a formula. More.
    """
    weight: float = 1.0
    name: str | None = None

@nets("third.v1")
def third(features: int, dimension: int, /, scale: list[float], *, device: torch.device = None) -> None:
    """A map. It is linear."""
'''


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(SOURCE)
    return path


def test_every_registry_is_scanned() -> None:
    assert tuple(REGISTRIES) == KINDS


def test_signatures_are_read_from_the_source(source: Path) -> None:
    first, second, third = read_signatures(source)
    assert (first.kind, first.name, first.given, first.summary) == (
        "losses",
        "first.v1",
        ("sizes",),
        "Pulls pairs together.",
    )
    assert second.summary == "Pushes what is not a pair apart, as far as X - Y needs."
    assert third.summary == "A map."
    assert [parameter.type for parameter in first.parameters] == [
        float,
        Literal["all", "hardest"],
        tuple[int, ...],
    ]
    assert [parameter.required for parameter in first.parameters] == [True, False, False]
    assert first.parameters[2].default == (64, 32)
    assert [str(parameter) for parameter in second.parameters] == [
        "weight: float = 1.0",
        "name: str | None = None",
    ]
    assert (third.given, third.parameters[0].type, third.parameters[1].type) == (
        ("features", "dimension"),
        list[float],
        None,
    )


def test_what_the_registry_supplies_is_no_parameter_of_recipes(tmp_path: Path) -> None:
    path = tmp_path / "solver.py"
    path.write_text(
        "@solvers('x.v1')\ndef x(train: F, *, bits: int, seed: int, ridge: float = 0.1) -> T: ...\n"
    )
    signature = REGISTRIES["solvers"].signature("x.v1", [path])
    assert signature.supplied == ("train", "bits", "seed")
    assert [parameter.name for parameter in signature.parameters] == ["ridge"]


def test_types_of_other_modules_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "other.py"
    path.write_text(
        "from scenograph.losses.triplet import Negatives as Which\n"
        "@losses('y.v1')\ndef y(which: Which = 'all') -> T: ...\n"
    )
    signature = REGISTRIES["losses"].signature("y.v1", [path])
    assert signature.parameters[0].type == Literal["all", "hardest"]


def test_an_unknown_name_lists_the_known(source: Path) -> None:
    with pytest.raises(NotFound, match=r"\"frist.v1\" is not known; did you mean 'first.v1'.*second.v1"):
        REGISTRIES["losses"].signature("frist.v1", [source])


def test_a_second_component_of_a_name_is_refused(source: Path, tmp_path: Path) -> None:
    registry = Registry("losses")

    @registry("one.v1")
    class One: ...

    with pytest.raises(AlreadyExists, match=r"one\.v1.*registered twice.*One.*Two"):

        @registry("one.v1")
        class Two: ...

    again = tmp_path / "again.py"
    again.write_text(SOURCE)
    with pytest.raises(AlreadyExists, match=r"declared twice.*own\.py:10 and .*again\.py:10"):
        REGISTRIES["losses"].names([source, again])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, 'recipe.toml: [[loss]] 1: margin: "first.v1" needs it (margin: float)'),
        ({"margin": "wide"}, "margin = 'wide': Expected float, got str (margin: float)"),
        ({"margin": 1, "modes": "all"}, "modes: \"first.v1\" has no such parameter; did you mean 'mode'?"),
        ({"margin": 1, "mode": "some"}, "mode = 'some': Invalid enum value 'some' (mode: Mode = 'all')"),
        ({"margin": 1, "hidden": [8, 0.5]}, "hidden = [8, 0.5]: Expected int, got float, at [1]"),
        ({"margin": 1, "sizes": 3}, 'sizes: "first.v1" has no such parameter'),
    ],
)
def test_wrong_parameters_are_named(source: Path, parameters: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(REGISTRIES["losses"], "first.v1", parameters, where="recipe.toml: [[loss]] 1", extra=[source])
    assert message in caught.value.message


def test_parameters_become_the_types_of_the_signature(source: Path) -> None:
    parameters = {"margin": 1, "hidden": [8, 4]}
    assert checked(REGISTRIES["losses"], "first.v1", parameters, where="here", extra=[source]) == {
        "margin": 1.0,
        "hidden": (8, 4),
    }


def test_what_toml_cannot_hold_is_refused(source: Path) -> None:
    with pytest.raises(InvalidInput, match=r"device: a recipe cannot give a torch\.device"):
        checked(
            REGISTRIES["nets"],
            "third.v1",
            {"scale": [1.0], "device": "cpu"},
            where="here",
            extra=[source],
        )


def test_a_recipes_own_file_is_imported_when_built(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from scenograph.components import hooks\n"
        "@hooks('test-only.v1')\n"
        "def build(pairs: int, /, *, factor: int = 2) -> int:\n    return pairs * factor\n"
    )
    assert hook_names(path) == {"test-only.v1"}
    build = REGISTRIES["hooks"].build
    assert build("test-only.v1", 4, "not taken", parameters={"factor": 3}, extra=[path]) == 12


def hook_names(path: Path) -> set[str]:
    registry = REGISTRIES["hooks"]
    return set(registry.names([path])) - set(registry.names())


def test_reading_every_signature_imports_no_torch() -> None:
    program = (
        "import sys\nfrom scenograph.components import REGISTRIES\n"
        "for registry in REGISTRIES.values():\n"
        "    for name in registry.names(): registry.signature(name)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
