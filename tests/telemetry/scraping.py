"""What a server tells Prometheus, read over HTTP."""

from __future__ import annotations

import time
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

PATIENCE_S = 30


class Scrape:
    """All samples of one reading."""

    def __init__(self, address: str) -> None:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        self.samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def names(self) -> set[str]:
        return {sample.name for sample in self.samples}

    def sum(self, name: str, **labels: str) -> float:
        """The sum of the samples that have these labels among theirs."""
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def by(self, name: str, label: str) -> dict[str, float]:
        """The samples' sums by the values of a label."""
        found: dict[str, float] = {}
        for sample in self.samples:
            if sample.name == name:
                value = sample.labels[label]
                found[value] = found.get(value, 0.0) + sample.value
        return found


def wait_for(address: str, name: str, above: float = 0.0, **labels: str) -> Scrape:
    """A reading whose sum is above that: a call that fails is counted after its client has the error."""
    until = time.monotonic() + PATIENCE_S
    while True:
        scrape = Scrape(address)
        if scrape.sum(name, **labels) > above:
            return scrape
        assert time.monotonic() < until, (name, labels)
        time.sleep(0.1)
