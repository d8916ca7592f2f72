"""A few items to a gateway, until each is stored or refused for good."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import grpc

from scenograph.client import TLS, Client, IngestStatus, Item, ScenographError

CALL_S = 600.0
"""Deadline of one call."""
FIRST_S, LONGEST_S = 0.2, 10.0
"""The first wait before items are sent again, and the longest."""
FAULTS = 3
"""How often an item is sent that the server fails over."""

_PASSING = frozenset(
    (
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
    )
)
_FAULTY = frozenset((grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN))


class GaveUp(ConnectionError):
    """Nothing more can be sent: the gateways refuse the calls, or cannot be reached for too long."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where items go. `key` is an API key, `tls` as a client takes it; `patience_s`: the longest time without
    one item stored.
    """

    addresses: tuple[str, ...]
    collection: str
    key: str | None = field(default=None, repr=False)
    tls: TLS | bool = False
    patience_s: float = 300.0


class Sender:
    """Sends to one of the gateways, to the next one where it cannot be reached. Close it, or use it in
    `with`.
    """

    def __init__(self, target: Target, first: int = 0, sleep: Callable[[float], None] = time.sleep) -> None:
        self._target = target
        self._at = first % len(target.addresses)
        self._sleep = sleep
        self._clients: dict[str, Client] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            client.close()

    def send(self, items: Sequence[Item]) -> list[IngestStatus]:
        """The last status of each item, OK or refused for good; items have request ids.

        What is refused for now is sent again after as long as the server says, at least after a wait that
        doubles. Errors: GaveUp.
        """
        waiting = {item.request_id: item for item in items}
        statuses: list[IngestStatus] = []
        faults: Counter[str] = Counter()
        pause, stored_at = FIRST_S, time.monotonic()
        while True:
            told, problem = self._call(list(waiting.values()))
            for status in told:
                if status.error is not None and status.error.code in _FAULTY:
                    faults[status.request_id] += 1
                if not _again(status.error, faults[status.request_id]):
                    del waiting[status.request_id]
                    statuses.append(status)
                    pause, stored_at = FIRST_S, time.monotonic()
            if not waiting:
                return statuses
            problem = problem or next((status.error for status in told if status.error is not None), None)
            if time.monotonic() - stored_at > self._target.patience_s:
                raise GaveUp(f"nothing was stored for {self._target.patience_s:g} s: {problem}")
            asked = getattr(problem, "retry_after", None) or 0.0
            self._sleep(max(asked, pause * random.uniform(0.5, 1.0)))
            pause = min(2 * pause, LONGEST_S)

    def _call(self, items: Sequence[Item]) -> tuple[list[IngestStatus], ScenographError | None]:
        """The statuses that came, each item's once, and what ended the call before all had come."""
        told: dict[str, IngestStatus] = {}
        try:
            for status in self._client().ingest(self._target.collection, items, timeout=CALL_S):
                told[status.request_id] = status
        except ScenographError as error:
            if error.code not in _PASSING | _FAULTY:
                raise GaveUp(str(error)) from error
            if error.code is grpc.StatusCode.UNAVAILABLE:
                self._at = (self._at + 1) % len(self._target.addresses)
            return list(told.values()), error
        return list(told.values()), None

    def _client(self) -> Client:
        target = self._target
        address = target.addresses[self._at]
        if address not in self._clients:
            self._clients[address] = Client(address, timeout=CALL_S, tls=target.tls, key=target.key)
        return self._clients[address]


def _again(error: ScenographError | None, faults: int) -> bool:
    return error is not None and (error.code in _PASSING or (error.code in _FAULTY and faults < FAULTS))
