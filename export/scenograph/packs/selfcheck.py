"""Before a pack serves: do its models, on this machine, answer as they did when the pack was built?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from scenograph.packs.golden import FILE_NAME, Array, read_golden
from scenograph.packs.store import Pack
from scenograph.scene.errors import PackCorrupt

Run = Callable[[str, dict[str, Array]], Mapping[str, Array]]


def self_check(pack: Pack, run: Run) -> None:
    """Feed every model its recorded inputs and compare.  `run(model name, feeds)` -> outputs by name.

    Errors: PackCorrupt naming the model, the output and how far off it was.
    """
    golden = read_golden(pack.path(FILE_NAME))
    for name, model in pack.manifest.models.items():
        feeds, expected = golden.get(name, ({}, {}))
        if not expected:
            raise PackCorrupt(f"pack {pack.id}: {FILE_NAME} has nothing of model {name!r}")
        outputs = run(name, feeds)
        for output, want in expected.items():
            got = np.asarray(outputs[output])
            if got.shape != want.shape:
                raise PackCorrupt(f"pack {pack.id}: {name}.{output} has shape {got.shape}, not {want.shape}")
            error = float(np.abs(got.astype(np.float64) - want).max(initial=0.0))
            most = model.tolerances.get(output, model.tolerance)
            if not error <= most:
                limit = f"{most:.2g} is allowed"
                raise PackCorrupt(
                    f"pack {pack.id}: {name}.{output} is {error:.2g} off the recorded answer; {limit}"
                )
