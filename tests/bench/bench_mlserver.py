"""The encoder service beside MLServer, which serves the same models over its gRPC: one driver, same inputs,
the same cores, in turns.

    python -m tests.bench.bench_mlserver --venv build/mlserver [--seconds 5] [--rounds 3]

`--venv` is made where it is not there, with MLServer and what the models need from PyPI. MLServer is tried in
each of its configurations (processes of its own, adaptive batches), and measured in the best one for each
load. Prints a Markdown table: parts a second.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import grpc

from scenograph.bench import encode
from scenograph.bench.bare import batches
from scenograph.bench.load.config import make_config
from scenograph.cli.bench_inputs import pictures, served
from scenograph.oip import inference_pb2, inference_pb2_grpc
from scenograph.packs import open_pack

ROOT = Path(__file__).parents[2]
SOURCES = ("protos", "graphs", "services", "export", "learning")
PROTOSET = ROOT / "deploy" / "ghz" / "scenograph.protoset"
PACKAGES = (
    "mlserver",
    "uvloop<0.22",  # MLServer's worker processes do not start with later ones
    "onnxruntime",
    "tokenizers",
    "opencv-python-headless",
    "pillow",
    "msgspec",
    "platformdirs",
)
START_S = 120.0
THREADS = 2


@dataclass(frozen=True, slots=True)
class Setting:
    """Processes beside the server's own (0: none), and adaptive batches: requests, and seconds to wait."""

    workers: int
    batch: int
    wait_s: float

    def __str__(self) -> str:
        batches = (
            f"batches of {self.batch} within {1e3 * self.wait_s:g} ms" if self.batch > 1 else "no batches"
        )
        return f"{self.workers} workers, {batches}"


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked for: a kind of parts, so many a call, by so many callers."""

    kind: encode.Kind
    parts: int
    callers: int


def settings(load: Load, tried: Sequence[int]) -> list[Setting]:
    """MLServer's configurations worth trying: it counts requests, not their parts, in a batch."""
    batched = [(1, 0.0), (16, 0.005), (32, 0.01)] if load.parts == 1 else [(1, 0.0), (2, 0.005)]
    return [Setting(workers, *batch) for workers in tried for batch in batched]


def make_venv(folder: Path) -> None:
    """MLServer's environment, where there is none."""
    if (folder / "bin" / "mlserver").exists():
        return
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", *PACKAGES], check=True)


@contextmanager
def mlserver(venv: Path, load: Load, chosen: Setting, pack: str) -> Iterator[str]:
    """The address of an MLServer with the model "encoder"."""
    with tempfile.TemporaryDirectory(prefix="mlserver-") as name:
        folder, ports = Path(name), _free_ports(2)
        own = {
            "debug": False,
            "metrics_endpoint": None,
            "host": "127.0.0.1",
            "http_port": ports[0],
            "grpc_port": ports[1],
            "grpc_max_message_length": 256 * 2**20,
            "parallel_workers": chosen.workers,
        }
        extra = {"kind": load.kind, "pack": pack, "threads": max(1, THREADS // max(1, chosen.workers))}
        model = {
            "name": "encoder",
            "implementation": "tests.bench.mlserver_runtime.Embedder",
            "max_batch_size": chosen.batch,
            "max_batch_time": chosen.wait_s,
            "parameters": {"extra": extra},
        }
        (folder / "settings.json").write_text(json.dumps(own))
        (folder / "model-settings.json").write_text(json.dumps(model))
        paths = os.pathsep.join([str(ROOT), *(str(ROOT / source) for source in SOURCES)])
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(venv / "bin" / "mlserver"), "start", str(folder)],
                env={**os.environ, "PYTHONPATH": paths},
                cwd=folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            address = f"127.0.0.1:{ports[1]}"
            _wait_ready(address, process, folder / "log")
            yield address
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_S
    with grpc.insecure_channel(address) as channel:
        stub = inference_pb2_grpc.GRPCInferenceServiceStub(channel)
        while time.monotonic() < end and process.poll() is None:
            try:
                if stub.ModelReady(inference_pb2.ModelReadyRequest(name="encoder"), timeout=5).ready:
                    return
            except grpc.RpcError:
                pass
            time.sleep(0.2)
    raise RuntimeError(f"MLServer did not start: {log.read_text(errors='replace')[-2000:]}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _messages(source: encode.Source, size: int) -> list[dict[str, Any]]:
    def bytes_of(part: str | bytes) -> str:
        return base64.b64encode(part.encode() if isinstance(part, str) else part).decode()

    return [
        {
            "model_name": "encoder",
            "inputs": [
                {
                    "name": "input",
                    "datatype": "BYTES",
                    "shape": [size],
                    "contents": {"bytes_contents": [bytes_of(part) for part in group]},
                }
            ],
        }
        for group in batches(source.take(size), size)
    ]


def peer_rate(source: encode.Source, load: Load, address: str, seconds: float) -> float:
    """Parts a second that MLServer encodes."""
    config = make_config(
        {
            "call": "inference.GRPCInferenceService/ModelInfer",
            "protoset": str(PROTOSET),
            "host": address,
            "insecure": True,
            "concurrency": load.callers,
            "duration": f"{seconds}s",
            "duration-stop": "wait",
            "timeout": "120s",
            "data": _messages(source, load.parts),
        }
    )
    return encode.asked(config, load.parts).rate


def best_setting(
    venv: Path, load: Load, photos: Sequence[bytes], pack: str, workers: Sequence[int], seconds: float
) -> Setting:
    """The configuration in which MLServer is fastest under a load."""
    rates: dict[Setting, float] = {}
    for chosen in settings(load, workers):
        with mlserver(venv, load, chosen, pack) as address:
            source = encode.Source(load.kind, photos)
            peer_rate(source, load, address, 0.5)
            rates[chosen] = peer_rate(source, load, address, seconds)
        print(f"    {load}: {chosen}: {rates[chosen]:.1f} a second", flush=True)
    return max(rates, key=lambda chosen: rates[chosen])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--venv", type=Path, required=True, help="MLServer's environment, made where missing")
    parser.add_argument("--photos", type=Path, help="folder of photographs; else the demo's, else drawn ones")
    parser.add_argument("--kinds", nargs="+", default=list(encode.KINDS), choices=encode.KINDS)
    parser.add_argument("--parts", nargs="+", type=int, default=list(encode.PARTS))
    parser.add_argument(
        "--callers", type=int, default=64, help="at most; fewer where many parts are in a call"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each figure is measured")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", nargs="+", type=int, default=[0, 1, 2], help="of MLServer, to be tried")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # servers end with it
    venv = chosen.venv.absolute()
    make_venv(venv)
    pack, (photos, about) = open_pack("default").id, pictures(chosen.photos)
    rows = []
    with served("", "encoder", workers=THREADS) as ours:
        for kind in chosen.kinds:
            for parts, callers in encode.loads([chosen.callers], chosen.parts):
                load = Load(kind, parts, callers)
                best = best_setting(venv, load, photos, pack, chosen.workers, chosen.seconds)
                source = encode.Source(kind, photos)
                with mlserver(venv, load, best, pack) as theirs:
                    pairs = [
                        (
                            encode.served_rate(source, ours, parts, callers, chosen.seconds).rate,
                            peer_rate(source, load, theirs, chosen.seconds),
                        )
                        for _ in range(chosen.rounds + 1)
                    ][1:]
                mine, peer = (median(each) for each in zip(*pairs, strict=True))
                ratio = median(one / other for one, other in pairs)
                cells = (kind, parts, callers, f"{mine:.1f}", f"{peer:.1f}", f"{ratio:.2f}", best)
                rows.append("| " + " | ".join(map(str, cells)) + " |")
    print(f"pictures: {about}; pack {pack}\n")
    print("| parts a second | a call | callers | scenograph | MLServer | times MLServer | its best setting |")
    print("|---|---|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
