"""A method as a TOML file: what it is, what it is made of, how it is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Family = Literal["closed-form", "alternating", "deep", "deep-alternating", "fine-grained", "default"]
Input = Literal["features", "images", "texts", "labels", "pairs", "unlabeled", "scene-graphs"]
Count = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class Named:
    """A component that a recipe names, with the parameters it gives."""

    def __init__(self, name: str, parameters: dict[str, Any]) -> None:
        self.name = name
        self.parameters = parameters


class Term(Named):
    """One term of the loss: a component and its weight in the sum."""

    def __init__(self, name: str, parameters: dict[str, Any], weight: float) -> None:
        super().__init__(name, parameters)
        self.weight = weight


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a recipe: unknown keys are refused."""


class Data(Table, frozen=True):
    """[data]: what the method is trained on where nothing else is said, and how features are scaled.

    `validation` is the share of training pairs that early stopping holds out where no split is given for it.
    """

    dataset: str = ""
    image_scale: Literal["none", "standard", "unit"] = "none"
    text_scale: Literal["none", "standard", "unit"] = "none"
    validation: Annotated[float, Meta(gt=0.0, lt=1.0)] = 0.1


class Head(Table, frozen=True):
    """[head]: the common space. `real` vectors are compared by cosine; `tanh` and `sign` are codes.

    `sign` passes gradients straight through; `tanh(scale * x)` may have its scale raised by a hook.
    """

    kind: Literal["real", "tanh", "sign"] = "real"
    dimension: Count = 64
    scale: float = 1.0


class Optimizer(Table, frozen=True):
    """[optimizer]. `clip` bounds the gradient's norm; 0 leaves it."""

    name: Literal["adamw", "adam", "sgd"] = "adamw"
    lr: Annotated[float, Meta(gt=0.0)] = 1e-3
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    momentum: float = 0.9
    clip: float = 0.0


class Schedule(Table, frozen=True):
    """[schedule] of the learning rate: a linear rise over the `warmup` share of all steps, then a cosine to
    `floor` times the rate, or constant.
    """

    name: Literal["cosine", "constant"] = "cosine"
    warmup: Share = 0.05
    floor: Share = 0.0


class Train(Table, frozen=True):
    """[train]. Training stops where `metric` (higher is better) has not risen for `patience` validations, and
    the weights of the best one are kept; an empty `metric` trains to the end. An epoch's last, incomplete
    batch is left out.
    """

    epochs: Count = 50
    batch: Count = 128
    seed: Annotated[int, Meta(ge=0)] = 0
    metric: str = ""
    patience: Count = 10
    validate_every: Count = 1


class Recipe(Table, frozen=True):
    """One method. A [solver] of its own, or nets and losses for the trainer, or a [task] of its own for the
    trainer. `components` are Python files beside the recipe that hold components of its own.
    """

    key: str
    title: str
    family: Family
    paper: str = ""
    source: str = ""
    note: str = ""
    inputs: tuple[Input, ...] = ("features", "pairs")
    components: tuple[str, ...] = ()
    data: Data = Data()
    task: Named | None = None
    nets: dict[str, Named] = {}
    head: Head = Head()
    loss: tuple[Term, ...] = ()
    hook: tuple[Named, ...] = ()
    solver: Named | None = None
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    train: Train = Train()


def decode(kind: type, value: Any) -> Any:
    """msgspec's hook for the two types that hold a component's own parameters. Errors: ValueError."""
    if not isinstance(value, dict):
        raise ValueError(f"Expected a table, got {type(value).__name__}")
    parameters = dict(value)
    name = parameters.pop("name", None)
    if not isinstance(name, str):
        raise ValueError('needs the name of a component, such as name = "mlp.v1"')
    if kind is Named:
        return Named(name, parameters)
    weight = parameters.pop("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        raise ValueError(f"weight = {weight!r}: Expected float")
    return Term(name, parameters, float(weight))


def to_json(recipe: Recipe) -> str:
    """The whole recipe, defaults and overrides included."""
    return msgspec.json.encode(recipe, enc_hook=_encode).decode()


def from_json(text: str) -> Recipe:
    """The recipe that `to_json` wrote. Errors: msgspec.ValidationError."""
    return msgspec.convert(msgspec.json.decode(text), Recipe, dec_hook=decode)


def _encode(one: Any) -> Any:
    weight = {"weight": one.weight} if isinstance(one, Term) else {}
    return {"name": one.name, **weight, **one.parameters}
