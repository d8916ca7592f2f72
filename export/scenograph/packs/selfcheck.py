"""Before a pack serves: do its models, on this machine, answer as they did when the pack was built?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from scenograph.packs.store import Pack
from scenograph.scene.errors import PackCorrupt

GOLDEN = "golden.npz"

Array = npt.NDArray[Any]
Run = Callable[[str, dict[str, Array]], Mapping[str, Array]]


def self_check(pack: Pack, run: Run) -> None:
    """Feed every model its recorded inputs and compare.  `run(model name, feeds)` -> outputs by name.

    Errors: PackCorrupt naming the model, the output and how far off it was.
    """
    golden = read_golden(pack)
    for name, model in pack.manifest.models.items():
        feeds, expected = golden.get(name, ({}, {}))
        if not expected:
            raise PackCorrupt(f"pack {pack.id}: {GOLDEN} has nothing of model {name!r}")
        outputs = run(name, feeds)
        for output, want in expected.items():
            got = np.asarray(outputs[output])
            if got.shape != want.shape:
                raise PackCorrupt(f"pack {pack.id}: {name}.{output} has shape {got.shape}, not {want.shape}")
            error = float(np.abs(got.astype(np.float64) - want).max(initial=0.0))
            if not error <= model.tolerance:
                limit = f"{model.tolerance:.2g} is allowed"
                raise PackCorrupt(
                    f"pack {pack.id}: {name}.{output} is {error:.2g} off the recorded answer; {limit}"
                )


def read_golden(pack: Pack) -> dict[str, tuple[dict[str, Array], dict[str, Array]]]:
    """Recorded inputs and outputs of each model, by model name."""
    golden: dict[str, tuple[dict[str, Array], dict[str, Array]]] = {}
    with np.load(pack.path(GOLDEN), allow_pickle=False) as arrays:
        for key in arrays.files:
            model, side, tensor = key.split("/")
            feeds, expected = golden.setdefault(model, ({}, {}))
            (feeds if side == "in" else expected)[tensor] = arrays[key]
    return golden


def write_golden(path: Any, golden: Mapping[str, tuple[Mapping[str, Array], Mapping[str, Array]]]) -> None:
    """Write what `read_golden` reads; the same arrays give the same bytes."""
    arrays = {
        f"{model}/{side}/{tensor}": array
        for model, sides in golden.items()
        for side, tensors in zip(("in", "out"), sides, strict=True)
        for tensor, array in tensors.items()
    }
    np.savez_compressed(path, allow_pickle=False, **arrays)
