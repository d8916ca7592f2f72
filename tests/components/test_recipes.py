"""Recipes: what is wrong with one is told with its file, table and key, before torch is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scenograph.methods.catalogue import get_method, list_methods, load_recipe
from scenograph.scene.errors import InvalidInput, NotFound

COMPONENT = """
import torch
from torch import Tensor, nn
from scenograph.components import Sizes, losses, nets

@losses("own-distance.v1")
class Distance(nn.Module):
    def __init__(self, *, power: float = 2.0) -> None:
        super().__init__()
        self.power = power

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        return (image - text).abs().pow(self.power).mean()

@nets("own-linear.v1")
def linear(features: int, dimension: int, /, *, bias: bool = True) -> nn.Module:
    return nn.Linear(features, dimension, bias)
"""
RECIPE = """
key = "mine"
title = "A method of mine"
family = "deep"
components = ["mine.py"]

[nets]
image.name = "own-linear.v1"
text = { name = "own-linear.v1", bias = false }

[[loss]]
name = "own-distance.v1"
weight = 0.5
power = 1

[train]
epochs = 3
"""


def written(folder: Path, text: str = RECIPE) -> Path:
    (folder / "mine.py").write_text(COMPONENT)
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_a_recipe_is_read_with_its_components(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path), {"train.epochs": 5, "loss.0.power": 3, "optimizer.lr": 0.1})
    assert recipe.train.epochs == 5
    assert (recipe.loss[0].weight, recipe.loss[0].parameters) == (0.5, {"power": 3.0})
    assert recipe.nets["text"].parameters == {"bias": False}
    assert recipe.optimizer.lr == 0.1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs = 3", "epoch = 3", "mine.toml: [train] epoch: there is no such key; did you mean 'epochs'?"),
        ("epochs = 3", "epochs = 'ten'", "mine.toml: [train] epochs: Expected int, got str"),
        ("epochs = 3", "epochs = 0", "mine.toml: [train] epochs: Expected int >= 1"),
        ('family = "deep"', 'family = "depe"', "mine.toml: family: Invalid enum value 'depe'"),
        ('title = "A', 'titel = "A', "mine.toml: titel: there is no such key; did you mean 'title'?"),
        ('title = "A method of mine"', "", "mine.toml: Object missing required field title"),
        ('key = "mine"', 'key = "yours"', 'mine.toml: key = "yours" is not the name of the file'),
        (
            "power = 1",
            "pwer = 1",
            'mine.toml: [[loss]] 1: pwer: "own-distance.v1" has no such parameter; did',
        ),
        ("power = 1", "power = []", "mine.toml: [[loss]] 1: power = []: Expected float, got array"),
        ("weight = 0.5", "weight = 'a'", "mine.toml: [[loss]] 1: weight = 'a': Expected float"),
        (
            "own-distance.v1",
            "own-distanc.v1",
            '[[loss]] 1: losses "own-distanc.v1" is not known; did you mean',
        ),
        ("bias = false", "bias = 0", "mine.toml: [nets.text]: bias = 0: Expected bool, got int"),
        ("image.name = ", "picture.name = ", "mine.toml: needs [nets.image], or a [solver], or a [task]"),
        ("mine.py", "yours.py", "mine.toml: components: there is no file"),
        ("[train]", "[train", "mine.toml: Expected"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in RECIPE
    with pytest.raises(InvalidInput) as caught:
        load_recipe(written(tmp_path, RECIPE.replace(old, new)))
    assert message in caught.value.message


def test_there_must_be_something_to_override(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"there is no loss\.3\.power to set"):
        load_recipe(written(tmp_path), {"loss.3.power": 1})


def test_methods_that_take_no_labels_are_not_validated_by_them() -> None:
    solved = [recipe for recipe in list_methods() if recipe.task is None]
    by_labels = {recipe.key: recipe for recipe in solved if recipe.train.metric == "map"}
    assert "acmr" in by_labels
    assert [key for key, recipe in by_labels.items() if "labels" not in recipe.inputs] == []


def test_unknown_methods_list_the_known(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match='method "ccaa" is not known'):
        get_method("ccaa")
    with pytest.raises(NotFound, match="there is no recipe"):
        load_recipe(tmp_path / "none.toml")


def test_the_whole_catalogue_is_sound_and_checked_without_torch(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from scenograph.methods.catalogue import list_methods, load_recipe\n"
        "list_methods()\nload_recipe(Path(sys.argv[1]))\nsys.exit('torch' in sys.modules)"
    )
    path = written(tmp_path)
    assert subprocess.run([sys.executable, "-c", program, path], check=False).returncode == 0
    assert [recipe.key for recipe in list_methods()] == sorted(recipe.key for recipe in list_methods())
