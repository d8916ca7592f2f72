"""Hours of use in short: `python -m tests.faults.soak --minutes 30 --share 0.5 --out JSON --plot PICTURE`.

Measures what rate of mixed calls a server takes, then calls at a share of it and samples memory and latency.
Writes JSON: both by the minute, and whether they drift, the first tenth of the run left out. What the server
keeps on purpose (caches) has small bounds, reached while the peak is measured, so that growth is not of them.
Exit code 1 where calls failed or memory grows.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tests.faults.drift import drift
from tests.faults.servers import Restartable
from tests.faults.soaking import Soak
from tests.faults.watching import Sample, Watch

MOST_GROWTH = 0.05  # of memory, over the run
SETTINGS = {
    "SCENOGRAPH_GATEWAY_CACHE_BYTES": str(4 * 1024 * 1024),
    "SCENOGRAPH_GATEWAY_ANSWERS_BYTES": str(2 * 1024 * 1024),
    "SCENOGRAPH_LOG_LEVEL": "WARNING",
}


def soak(server: Restartable, minutes: float, share: float, peak_s: float) -> dict[str, Any]:
    """Peak, then `minutes` at a share of it."""
    assert server.process is not None
    load = Soak(server.address)
    with Watch(server.process.pid) as watch:
        peak = load.run(peak_s)
        refused = dict(load.failed)
        load.failed.clear()
        load.latencies.clear()
        load.late, rate = 0, peak * share
        watch.samples.clear()
        print(f"peak: {peak:.0f} calls a second; {rate:.0f} for {minutes:g} minutes", file=sys.stderr)
        began = watch.take().at
        threading.Thread(target=_tell, args=(load, watch, began), daemon=True).start()
        reached = load.run(minutes * 60, rate)
    samples = [Sample(one.at - began, one.rss_mb, one.threads, one.files) for one in watch.samples]
    calls = list(load.latencies)
    steady = minutes * 60 * 0.1
    window = max(1.0, minutes * 60 / 30)
    memory = [one for one in samples if one.at >= steady]
    by_window = _windows([call for call in calls if call[0] >= steady], window)
    result: dict[str, Any] = {
        "minutes": minutes,
        "peak_per_s": round(peak, 1),
        "asked_per_s": round(rate, 1),
        "reached_per_s": round(reached, 1),
        "calls": len(calls),
        "failed": dict(load.failed),
        "refused_at_peak": refused,
        "late": load.late,
        "rss_mb": {
            "first": memory[0].rss_mb,
            "last": memory[-1].rss_mb,
            "peak": max(m.rss_mb for m in memory),
        },
        "threads": [memory[0].threads, memory[-1].threads],
        "files": [memory[0].files, memory[-1].files],
        "latency_ms": {kind: _percentiles(calls, kind) for kind in sorted({kind for _, kind, _ in calls})},
        "drift": {
            "rss_mb": asdict(drift([m.at / 60 for m in memory], [m.rss_mb for m in memory])),
            "p50_ms": asdict(drift(*_series(by_window, window, 50))),
            "p99_ms": asdict(drift(*_series(by_window, window, 99))),
        },
        "by_minute": _by_minute(calls, samples, minutes),
    }
    result["sound"] = not load.failed and result["drift"]["rss_mb"]["share"] < MOST_GROWTH
    return result


def _tell(load: Soak, watch: Watch, began: float) -> None:
    while True:
        time.sleep(30)
        now = watch.samples[-1]
        print(f"{now.at - began:.0f} s, {len(load.latencies)} calls, {now.rss_mb:.0f} MiB", file=sys.stderr)


Call = tuple[float, str, float]


def _windows(calls: Sequence[Call], seconds: float) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for at, _, took in calls:
        found.setdefault(int(at // seconds), []).append(took)
    return {number: took for number, took in sorted(found.items()) if len(took) > 10}


def _series(
    windows: dict[int, list[float]], seconds: float, percentile: float
) -> tuple[list[float], list[float]]:
    """Minutes, and a percentile of the latencies of each window."""
    values = [float(np.percentile(took, percentile)) for took in windows.values()]
    return [number * seconds / 60 for number in windows], values


def _percentiles(calls: Sequence[Call], kind: str) -> dict[str, float]:
    took = [each for _, one, each in calls if one == kind]
    return {f"p{p}": round(float(np.percentile(took, p)), 2) for p in (50, 99)}


def _by_minute(calls: Sequence[Call], samples: Sequence[Sample], minutes: float) -> list[dict[str, float]]:
    rows = []
    for minute in range(int(np.ceil(minutes))):
        took = [each for at, _, each in calls if minute <= at / 60 < minute + 1]
        held = [one.rss_mb for one in samples if minute <= one.at / 60 < minute + 1]
        if took and held:
            p50, p99 = np.percentile(took, (50, 99))
            rows.append(
                {
                    "minute": minute,
                    "calls": len(took),
                    "rss_mb": round(float(np.mean(held)), 1),
                    "p50_ms": round(float(p50), 2),
                    "p99_ms": round(float(p99), 2),
                }
            )
    return rows


def plot(result: dict[str, Any], path: Path) -> None:
    """Memory and latencies by the minute."""
    from matplotlib.figure import Figure

    rows = result["by_minute"]
    minutes = [row["minute"] for row in rows]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    above.plot(minutes, [row["rss_mb"] for row in rows])
    above.set(ylabel="resident MiB", ylim=(0, None), title=f"{result['asked_per_s']:.0f} calls a second")
    for name in ("p50_ms", "p99_ms"):
        below.plot(minutes, [row[name] for row in rows], label=name.removesuffix("_ms"))
    below.set(xlabel="minute", ylabel="milliseconds", yscale="log")
    below.legend()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--share", type=float, default=0.5, help="of the peak")
    parser.add_argument("--peak-seconds", type=float, default=60)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plot", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Restartable(Path(folder), settings=SETTINGS)
        with server:
            result = soak(server, chosen.minutes, chosen.share, chosen.peak_seconds)
    shown = json.dumps(result, indent=1)
    print(shown)
    if chosen.out:
        chosen.out.write_text(shown)
    if chosen.plot:
        plot(result, chosen.plot)
    sys.exit(0 if result["sound"] else 1)


if __name__ == "__main__":
    main()
