"""How services in other processes are reached: encryption, balancing, and what is done where they fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from scenograph.gateway.circuit import Circuit
from scenograph.runtime.certificates import CertificateFiles
from scenograph.runtime.telemetry.metrics import REMOTES, UNREAD, Metrics

_ROUND_ROBIN: dict[str, Any] = {"round_robin": {}}

BALANCING: Final = [
    {
        "outlier_detection_experimental": {
            "interval": "2s",
            "baseEjectionTime": "10s",
            "maxEjectionTime": "60s",
            "maxEjectionPercent": 50,
            "failurePercentageEjection": {"threshold": 85, "minimumHosts": 2, "requestVolume": 5},
            "childPolicy": [_ROUND_ROBIN],
        }
    },
    _ROUND_ROBIN,
]
"""gRPC takes the first that it knows. An address more than 85 % of whose calls failed within two seconds is
left out for ten seconds and more, as long as half of the addresses are left."""


@dataclass(frozen=True, slots=True)
class Reaching:
    """`certificates`: to check the services by, and the own one to show; None: without encryption.

    `server_name`: the name in their certificates where it is not their address's. `service_key` tells them
    that one of scenograph's own processes calls. `failures`, `wait_s`: see `Circuit`.
    """

    certificates: CertificateFiles | None = None
    server_name: str = ""
    service_key: str = field(default="", repr=False)
    failures: int = 5
    wait_s: float = 1.0
    metrics: Metrics = UNREAD

    def circuit(self, service: str, address: str) -> Circuit:
        """The circuit of one service, "scenograph.v1.IndexService"."""
        short = next((name for name in REMOTES if f".{name}" in service.lower()), "other")
        return Circuit(short, address, failures=self.failures, wait_s=self.wait_s, metrics=self.metrics)


PLAINLY = Reaching()
