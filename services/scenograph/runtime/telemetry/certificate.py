"""When the certificate that a server serves with ends, asked for whenever metrics are read."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from scenograph.runtime.certificates import CertificateFiles

_EXPIRY = (
    "scenograph_certificate_expiry_timestamp_seconds",
    "when the certificate that is served with ends, by its serial number; nothing without TLS",
)
CERTIFICATE_METRICS = ((_EXPIRY[0], "gauge", ("serial",), _EXPIRY[1]),)


class CertificateExpiry(Collector):
    """Tells of the certificate now in the files, which is the one that new connections get."""

    def __init__(self, files: CertificateFiles, registry: CollectorRegistry) -> None:
        self._files = files
        registry.register(self)

    def describe(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(*_EXPIRY, labels=("serial",))

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(*_EXPIRY, labels=("serial",))
        certificate = self._files.current()
        if certificate.expires is not None:
            family.add_metric((f"{certificate.serial:X}",), certificate.expires.timestamp())
        yield family
