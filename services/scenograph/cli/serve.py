"""Serving: read the settings, open the port, make the apps, say ready, drain. A server's composition root."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import uvloop
from threadpoolctl import threadpool_limits

from scenograph.cli.compose.apps import Apps
from scenograph.cli.compose.loading import begin, load_held
from scenograph.cli.compose.process import Process
from scenograph.cli.compose.security import make_guard
from scenograph.cli.compose.servicers import SERVICES, served
from scenograph.cli.supervisor import Supervisor
from scenograph.runtime.logs import configure_logging
from scenograph.runtime.server import Server, ServerOptions
from scenograph.runtime.settings import Settings, load_settings
from scenograph.runtime.telemetry.certificate import CertificateExpiry
from scenograph.runtime.telemetry.exposition import Exposition
from scenograph.runtime.telemetry.metrics import Metrics
from scenograph.runtime.telemetry.tracing import open_tracer
from scenograph.runtime.tls import server_certificates, server_credentials
from scenograph.scene.errors import InvalidInput
from scenograph.v1.limits import MAX_MESSAGE_BYTES, SERVICE_MESSAGE_BYTES

log = logging.getLogger(__name__)


def run(
    service: str = "",
    *,
    host: str | None = None,
    port: int | None = None,
    data: Path | None = None,
    index: str | None = None,
    pack: str | None = None,
    config: Path | None = None,
    processes: int | None = None,
    supervised: int | None = None,
) -> None:
    """Serves until SIGTERM or SIGINT; None means: as the environment or the settings file says.

    Prints one line of JSON when ready: address, services, pack, metrics' address. `supervised`: of one of
    several processes, a pipe whose end is the supervisor's. Errors: those of `serving`.
    """
    url = None if index is None else {"url": index}
    settings = load_settings(
        config, host=host, port=port, data_dir=data, index=url, pack=pack, processes=processes
    )
    configure_logging(settings.log_level, settings.log_format)
    if settings.processes > 1:
        _chosen(settings, service)
        given = {"--host": host, "--data": data, "--index": index, "--pack": pack, "--config": config}
        options = [str(part) for pair in given.items() if pair[1] is not None for part in pair]
        sys.exit(asyncio.run(Supervisor(settings, service, options).run()))
    try:
        uvloop.run(_run(settings, service, supervised))
    except asyncio.CancelledError:
        log.info("stopped before it was ready")
        sys.exit(128 + signal.SIGTERM)


async def _run(settings: Settings, service: str, supervised: int | None) -> None:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    loop.add_signal_handler(signal.SIGTERM, task.cancel)  # until it is ready
    if supervised is not None:
        loop.add_reader(supervised, _orphaned, supervised)
    async with serving(settings, service, shared_port=supervised is not None) as (server, apps):
        names = [short for short, known in SERVICES.items() if known.name in server.services]
        line = {"address": server.address, "services": names, "pack": apps.parts.pack_id}
        if server.metrics_address:
            line["metrics"] = server.metrics_address
        settle()
        print(json.dumps(line), flush=True)
        log.info("scenograph %s serves %s at %s", version("scenograph"), ", ".join(names), server.address)
        await server.run_until_signal()
    log.info("stopped")


def _orphaned(pipe: int) -> None:
    asyncio.get_running_loop().remove_reader(pipe)
    log.error("the supervisor is gone")
    signal.raise_signal(signal.SIGTERM)


def settle() -> None:
    """Makes this process ready for calls, once everything is loaded."""
    _settle_memory()
    _settle_threads()


def _settle_memory() -> None:
    """Keeps full garbage collections rare, and what was loaded so far out of them.

    With Python's own thresholds they stop every call for 200 ms: the 99th percentile of searches was 7 times
    the median.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def _settle_threads() -> None:
    """Keeps numpy's products on the thread that asked for them: the workers are the parallelism.

    OpenBLAS' own threads wait for work by spinning: pooling the regions of one photo took 32 ms of two busy
    cores with them, and takes 0.8 ms of one without.
    """
    threadpool_limits(1, user_api="blas")


@asynccontextmanager
async def serving(
    settings: Settings, service: str = "", *, shared_port: bool = False
) -> AsyncIterator[tuple[Server, Apps]]:
    """A server that takes calls, with all its apps; stopped and closed when the block is left.

    `service`: one of SERVICES; empty: the gateway and every service that the settings give no address.
    `shared_port`: other processes of the same server listen there too.
    Errors: InvalidInput (unknown service, unusable certificate), FailedPrecondition (port in use, index open
    elsewhere), PackNotFound (names the command that builds it), PackCorrupt, IndexFormatTooNew, IndexCorrupt;
    those of `make_guard`.
    """
    chosen = _chosen(settings, service, passes_on_index=shared_port)
    options = ServerOptions(
        host=settings.host,
        port=settings.port,
        shared_port=shared_port,
        max_message_bytes=MAX_MESSAGE_BYTES if "gateway" in chosen else SERVICE_MESSAGE_BYTES,
        unary_deadline_s=settings.unary_deadline_s,
        stream_deadline_s=settings.stream_deadline_s,
        drain_delay_s=settings.drain_delay_s,
        drain_grace_s=settings.drain_grace_s,
        max_connection_age_s=settings.max_connection_age_s,
        max_connection_grace_s=settings.max_connection_grace_s,
        reflection=settings.security.reflection,
    )
    certificates = server_certificates(settings.tls)
    async with AsyncExitStack() as closing:
        tracer, close = open_tracer(settings.tracing, f"scenograph-{service}" if service else "scenograph")
        closing.push_async_callback(asyncio.to_thread, close)
        metrics = Metrics()
        metrics.serves(version("scenograph"), chosen)
        if certificates is not None:
            CertificateExpiry(certificates, metrics.registry)
        process = Process(settings, closing, metrics, chosen)
        services = served(process, shared_port=shared_port)
        server = Server(
            [known.name for known in services],
            options,
            metrics=metrics,
            tracer=tracer,
            credentials=server_credentials(certificates) if certificates else None,
            guard=make_guard(settings, metrics, closing),
        )
        process.ready = lambda: server.serving
        process.index_answers = server.index_answers
        if settings.metrics.address:
            secure = certificates if settings.metrics.tls else None
            exposition = Exposition(metrics.registry, settings.metrics.address, secure)
            closing.push_async_callback(asyncio.to_thread, exposition.close)
            server.metrics_address = exposition.address
        if not shared_port:  # a port that cannot be had is told at once
            await server.start()
        closing.push_async_callback(server.stop)
        apps = await begin(process)
        for known in services:
            server.add(known.register(process))
        await process.start()
        await load_held(process)
        # What is closed last was pushed first: the server must stop before what its calls use is closed.
        closing.push_async_callback(server.stop)
        if shared_port:  # until it can answer, calls go to the others
            await server.start()
        await server.ready()
        yield server, apps


def _chosen(settings: Settings, service: str, *, passes_on_index: bool = False) -> Sequence[str]:
    """`passes_on_index`: calls to the index service go on to the one that serves the folder."""
    if service and service not in SERVICES:
        raise InvalidInput(f"no service {service!r}; there are {', '.join(SERVICES)}", field="service")
    if service:
        return [service]
    elsewhere = settings.gateway.addresses()
    return [name for name in SERVICES if not elsewhere.get(name) or (passes_on_index and name == "index")]
