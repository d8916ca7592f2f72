"""`fusion.toml`: how much each score counts in a pack's final ranking, and how that was found out.

Written by `scenograph pack weigh`, read by the build of the default pack, which puts the weights into the
manifest.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from scenograph.packs import heads
from scenograph.scene.errors import PackBuildFailed

FILE_NAME = "fusion.toml"
FUSION = ("coarse", "float", "graph")
MATCH = ("learned", "symbolic")


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """What weights were fitted on. `figures` are in per cent, as measured in that fit."""

    pack: str
    data: str
    data_digest: str
    photos: int
    queries: int
    figures: dict[str, float]


class RankingWeights(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Weights of the stages in the final score, and of the two matchers in the graph stage's."""

    fusion: dict[str, float]
    match: dict[str, float]
    fit: Fit | None = None


def read_weights(path: Path = Path(heads.__file__).parent / FILE_NAME) -> RankingWeights:
    """The weights of the file.  Errors: PackBuildFailed (missing, not TOML, other names, no weights)."""
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=RankingWeights)
    except OSError as error:
        raise PackBuildFailed(f"{path}: cannot be read: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise PackBuildFailed(f"{path}: {error}") from None
    for names, weights in ((FUSION, found.fusion), (MATCH, found.match)):
        if set(weights) != set(names) or min(weights.values()) < 0 or not sum(weights.values()) > 0:
            raise PackBuildFailed(f"{path}: {weights} are no weights of {', '.join(names)}")
    return found


def write_weights(path: Path, weights: RankingWeights) -> None:
    """Write the file in one atomic step."""
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.toml.encode(weights))
    part.replace(path)
