"""The client's credentials: sent with each call of any kind, asked for anew, never in the clear unnoticed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import grpc
import pytest

from scenograph.client import AsyncClient, Client, Item, ScenographError
from scenograph.client.credentials import warn_if_seen


class Listener(grpc.GenericRpcHandler):
    """Notes what authorization each call has, and refuses it."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str | None]] = []

    def service(self, details: Any) -> Any:
        sent = dict(details.invocation_metadata)
        self.heard.append((details.method.rpartition("/")[2], sent.get("authorization")))

        def refuse(requests: Any, context: grpc.ServicerContext) -> Any:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no")

        return grpc.stream_stream_rpc_method_handler(refuse)


@pytest.fixture
def listener() -> Iterator[tuple[str, Listener]]:
    heard = Listener()
    server = grpc.server(ThreadPoolExecutor(4), handlers=[heard])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}", heard
    server.stop(None)


def call_all(client: Client) -> None:
    for call in (
        client.list_collections,
        lambda: list(client.ingest("photos", [Item("a", None, ["a dog"])])),
        lambda: list(client.search_stream("photos", text="a dog")),
        client.list_packs,
    ):
        with pytest.raises(ScenographError):
            call()


METHODS = ["ListCollections", "Ingest", "SearchStream", "ListPacks"]


def test_a_key_goes_with_each_call(listener: tuple[str, Listener]) -> None:
    address, heard = listener
    with Client(address, key="sg_secret", metadata=[("x", "y")]) as client:
        call_all(client)
    assert heard.heard == [(method, "Bearer sg_secret") for method in METHODS]


def test_a_token_is_asked_for_before_each_call(listener: tuple[str, Listener]) -> None:
    address, heard = listener
    numbers = count()
    with Client(address, token=lambda: f"token-{next(numbers)}") as client:
        call_all(client)
    assert heard.heard == [(method, f"Bearer token-{place}") for place, method in enumerate(METHODS)]


async def test_the_client_to_await_sends_them_too(listener: tuple[str, Listener]) -> None:
    address, heard = listener
    async with AsyncClient(address, key="sg_secret") as client:
        with pytest.raises(ScenographError):
            await client.list_collections()
        with pytest.raises(ScenographError):
            async for _ in client.search_stream("photos", text="a dog"):
                pass
    assert {sent for _, sent in heard.heard} == {"Bearer sg_secret"} and len(heard.heard) == 2


def test_nothing_is_sent_by_default(listener: tuple[str, Listener]) -> None:
    address, heard = listener
    with Client(address) as client:
        call_all(client)
    assert {sent for _, sent in heard.heard} == {None}


def test_one_of_the_two() -> None:
    with pytest.raises(ValueError, match="not both"):
        Client("localhost:1", key="sg_a", token=lambda: "b")


@pytest.mark.parametrize("address", ["scenograph.example:7700", "10.0.0.7:7700", "dns:///search:7700", "x"])
def test_in_the_clear_they_are_warned_of(address: str) -> None:
    with pytest.warns(UserWarning, match="in the clear"):
        warn_if_seen(address, secret=True, encrypted=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_seen(address, secret=True, encrypted=True)
        warn_if_seen(address, secret=False, encrypted=False)


@pytest.mark.parametrize(
    "address", ["localhost:7700", "127.0.0.1:1", "[::1]:7700", "unix:/tmp/x", "127.1.2.3:1"]
)
def test_on_this_machine_they_are_not(address: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_seen(address, secret=True, encrypted=False)
