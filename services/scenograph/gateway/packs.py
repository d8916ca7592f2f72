"""A pack as the gateway knows it, and the check that a service answered with the same one."""

from __future__ import annotations

from dataclasses import dataclass

from scenograph.gateway.requests import FusionWeights
from scenograph.runtime.contracts import CODE_BITS, Level
from scenograph.scene.errors import PackMismatch


@dataclass(frozen=True, slots=True)
class PackLevel:
    """A level of a pack: its name, how much it counts (all levels together: 1), where it lies in embeddings
    and codes.
    """

    name: str
    weight: float
    level: Level


@dataclass(frozen=True, slots=True)
class PackInfo:
    """A pack's name, its id "name@version", embedding size, code lengths, its own weights of the final score,
    and its levels.
    """

    name: str
    version: str
    embedding_size: int
    fusion: FusionWeights
    levels: tuple[PackLevel, ...]
    code_bits: tuple[int, ...] = CODE_BITS

    def check_service(self, version: str, service: str) -> None:
        """Raises PackMismatch where a service answered with another pack than this."""
        if version != self.version:
            raise PackMismatch(
                f"the {service} service serves pack {version}, this gateway {self.version}",
                metadata={"served": version, "expected": self.version},
            )
