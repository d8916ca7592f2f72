"""A gRPC server from its open port to its last call: port first, then services, health, drain."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc
from opentelemetry.trace import Tracer

from scenograph.runtime.health import HEALTH_SERVICE, Health
from scenograph.runtime.interceptors.access import Access
from scenograph.runtime.interceptors.around import Around, NameOf, wrapped
from scenograph.runtime.interceptors.counts import Counts
from scenograph.runtime.interceptors.deadlines import Deadlines
from scenograph.runtime.interceptors.errors import Errors
from scenograph.runtime.interceptors.traces import Traces
from scenograph.runtime.interceptors.validation import Validation
from scenograph.runtime.telemetry.metrics import UNREAD, Metrics
from scenograph.scene.errors import FailedPrecondition, Unavailable
from scenograph.v1.limits import MAX_MESSAGE_BYTES

log = logging.getLogger(__name__)

Register: TypeAlias = Callable[[grpc.aio.Server], None]

UNIX = "unix:"
OPTIONS: Final[Sequence[tuple[str, int]]] = (
    (
        "grpc.max_send_message_length",
        -1,
    ),  # the receiver decides: among themselves services allow more
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
)


WITH_INDEX = ("scenograph.v1.IndexService", "scenograph.v1.GatewayService")
"""The services that can do nothing without the index."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where to listen (port 0: any free one), and the times in seconds.

    `host` may be a socket's file, "unix:/path". `shared_port`: other processes of the same server listen
    there too; else a second server on the port is a mistake, and is told so.
    """

    host: str = "127.0.0.1"
    port: int = 0
    shared_port: bool = False
    max_message_bytes: int = MAX_MESSAGE_BYTES
    unary_deadline_s: float = 30.0
    stream_deadline_s: float = 3600.0
    drain_delay_s: float = 0.0
    drain_grace_s: float = 30.0
    max_connection_age_s: float = 0.0
    max_connection_grace_s: float = 3600.0
    reflection: bool = True

    def ages(self) -> Sequence[tuple[str, int]]:
        """gRPC's arguments of how old a connection gets; none where it may get as old as it likes."""
        if not self.max_connection_age_s:
            return ()
        return (
            ("grpc.max_connection_age_ms", round(self.max_connection_age_s * 1000)),
            ("grpc.max_connection_age_grace_ms", round(self.max_connection_grace_s * 1000)),
        )


class Server:
    """Serves the named services. Calls are counted in `metrics`, and traced where there is a tracer.

    With `credentials` it serves over TLS alone, except at a socket's file, which the system guards.

    Calls are Unavailable until `add` has given the services their handlers and `ready` was called. `serving`:
    what health says of the server, from `ready` until `drain`. `metrics_address` is where metrics are served
    over HTTP; empty: nowhere. `guard`: what decides who may call; without one, everybody.
    """

    def __init__(
        self,
        services: Iterable[str],
        options: ServerOptions,
        *,
        metrics: Metrics = UNREAD,
        tracer: Tracer | None = None,
        credentials: grpc.ServerCredentials | None = None,
        guard: Around | None = None,
    ) -> None:
        self.services = tuple(services)
        self.options = options
        self.port = 0
        self.serving = False
        self.metrics_address = ""
        self._metrics = metrics
        self._tracer = tracer
        self._credentials = credentials
        self._guard = guard
        self._late = _LateHandlers(self.services, self._layers)
        self._health = Health(self.services)
        self._server: grpc.aio.Server | None = None

    @property
    def address(self) -> str:
        """host:port to connect to; a server on all interfaces is reached at the loopback address."""
        if self.options.host.startswith(UNIX):
            return self.options.host
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.options.host, self.options.host)
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    async def start(self) -> None:
        """Opens the port. Health says NOT_SERVING. Raises FailedPrecondition where the port cannot be had."""
        options = self.options
        largest = ("grpc.max_receive_message_length", options.max_message_bytes)
        shared = ("grpc.so_reuseport", int(options.shared_port))
        server = grpc.aio.server(options=(*OPTIONS, largest, shared, *options.ages()))
        server.add_generic_rpc_handlers((self._late,))
        await self._health.attach(server)
        if options.reflection:
            names = (*self.services, HEALTH_SERVICE, reflection.SERVICE_NAME)
            self.add(
                lambda late: reflection_pb2_grpc.add_ServerReflectionServicer_to_server(  # type: ignore[no-untyped-call]
                    reflection.aio.ReflectionServicer(names), late
                )
            )
        host = f"[{options.host}]" if ":" in options.host else options.host
        target = options.host if options.host.startswith(UNIX) else f"{host}:{options.port}"
        try:
            if self._credentials is None or options.host.startswith(UNIX):
                self.port = server.add_insecure_port(target)
            else:
                self.port = server.add_secure_port(target, self._credentials)
        except RuntimeError as error:
            raise FailedPrecondition(f"cannot listen on {target}; is the port in use?") from error
        await server.start()
        self._server = server

    def _layers(self, name_of: NameOf) -> Sequence[Around]:
        """The first is outermost: those before Errors see the status that it makes of errors."""
        return (
            Traces(self._tracer, name_of),
            Counts(self._metrics, name_of),
            Access(),
            Errors(),
            *((self._guard,) if self._guard is not None else ()),
            Deadlines(self.options.unary_deadline_s, self.options.stream_deadline_s),
            Validation(),
        )

    def add(self, register: Register) -> None:
        """Gives a service its handlers: `lambda s: add_GatewayServiceServicer_to_server(servicer, s)`."""
        register(cast("grpc.aio.Server", self._late))

    async def ready(self) -> None:
        """Takes calls from now on, and says so."""
        self._late.open()
        self.serving = True
        await self._health.serving()

    async def index_answers(self, answers: bool) -> None:
        """Says whether the services that need the index serve: a store that it is in came or went."""
        if self.serving:
            await self._health.tell(WITH_INDEX, answers)

    async def drain(self) -> None:
        """Says NOT_SERVING, gives load balancers time to see it, refuses new calls, lets others finish.

        gRPC cancels calls that have arrived and were not taken yet when it stops (grpc/grpc#41785): those
        that wait are taken first.
        """
        self.serving = False
        await self._health.draining()
        await asyncio.sleep(self.options.drain_delay_s)
        await self._late.settled()
        self._health.let_go()
        await self.stop(self.options.drain_grace_s)

    async def stop(self, grace_s: float = 0.0) -> None:
        """Refuses new calls; ends running ones after `grace_s`."""
        if self._server is not None:
            await self._server.stop(grace_s)

    async def run_until_signal(self) -> None:
        """Returns after SIGTERM or SIGINT and the drain that follows; a second signal cuts it short."""
        loop = asyncio.get_running_loop()
        signals: asyncio.Queue[int] = asyncio.Queue()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, signals.put_nowait, number)
        try:
            log.info("%s: draining", signal.Signals(await signals.get()).name)
            drain = asyncio.create_task(self.drain())
            again = asyncio.create_task(signals.get())
            await asyncio.wait((drain, again), return_when=asyncio.FIRST_COMPLETED)
            again.cancel()
            if not drain.done():
                drain.cancel()
                await self.stop()
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


SETTLED, STEP_S, LONGEST_S = 10, 0.005, 1.0
"""No call waits to be taken where so many steps went by without one; the longest time to wait for that."""

_EARLY = f"/{reflection.SERVICE_NAME}/"
"""Answered before the services are ready."""


class _LateHandlers(grpc.GenericRpcHandler):
    """Handlers that arrive after the port is open; generated `add_..._to_server` take it for a server."""

    def __init__(self, services: Iterable[str], layers: Callable[[NameOf], Sequence[Around]]) -> None:
        self._services = frozenset(services)
        self._layers = layers(self.name_of)
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        self._open = False
        self._taken = 0

    def open(self) -> None:
        self._open = True

    async def settled(self) -> None:
        """Returns when those calls are taken that have arrived, as far as can be told, or after LONGEST_S."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_S):
                steps, taken = 0, self._taken
                while steps < SETTLED:
                    await asyncio.sleep(STEP_S)
                    steps, taken = (steps + 1 if taken == self._taken else 0), self._taken

    def name_of(self, method: str) -> str:
        """A method by its full name; "_OTHER" for one that no service has (yet)."""
        return method[1:] if method in self._handlers else "_OTHER"

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """The same handlers come through add_registered_method_handlers, by name."""

    def add_registered_method_handlers(
        self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]
    ) -> None:
        paths = {f"/{service}/{name}": handler for name, handler in handlers.items()}
        self._handlers.update({path: wrapped(each, path, self._layers) for path, each in paths.items()})

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        self._taken += 1
        method = handler_call_details.method
        if self._open or method.startswith(_EARLY):
            return self._handlers.get(method)
        if method.split("/")[1] in self._services:
            return wrapped(grpc.stream_stream_rpc_method_handler(_not_ready), method, self._layers)
        return None


async def _not_ready(requests: object, context: object) -> None:
    raise Unavailable("the service is starting")
