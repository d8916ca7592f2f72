"""Errors come back as exceptions of the right class, with what the server told."""

from __future__ import annotations

import time

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from tests.client.faulty import Gateway, abort, error_info, served

from scenograph.client import Client, errors
from scenograph.scene import errors as domain


def _walk(kind: type[Exception]) -> list[type[Exception]]:
    return [kind] + [found for child in kind.__subclasses__() for found in _walk(child)]


def test_every_reason_of_the_servers_has_a_class_of_the_same_name() -> None:
    of_no_server = {domain.PackBuildFailed}
    for kind in set(_walk(domain.ScenographError)[1:]) - of_no_server:
        reason = kind.reason  # type: ignore[attr-defined]
        mirrored = errors.error_class(reason, grpc.StatusCode.UNKNOWN)
        assert mirrored.reason == reason
        parents = {parent.__name__ for parent in kind.__mro__[1:]} & {"InvalidInput", "NotFound", "DataLoss"}
        assert parents <= {parent.__name__ for parent in mirrored.__mro__}


def test_details_of_a_failed_call() -> None:
    def refuse(calls: int, context: grpc.ServicerContext) -> None:
        violation = error_details_pb2.BadRequest.FieldViolation(field="query.graph", description="no ')'")
        abort(
            context,
            grpc.StatusCode.INVALID_ARGUMENT,
            "no ')'",
            error_info("INVALID_GRAPH_QUERY", position="7"),
            error_details_pb2.BadRequest(field_violations=[violation]),
        )

    with (
        served(Gateway(on_call=refuse)) as address,
        Client(address) as client,
        pytest.raises(errors.InvalidGraphQuery, match=r"no '\)'") as caught,
    ):
        client.search("photos", graph="(dog")
    error = caught.value
    assert (error.reason, error.code, error.position) == (
        "INVALID_GRAPH_QUERY",
        grpc.StatusCode.INVALID_ARGUMENT,
        7,
    )
    assert error.fields == (errors.FieldViolation("query.graph", "no ')'"),)
    assert isinstance(error, errors.InvalidInput)


def test_retry_after() -> None:
    def busy(calls: int, context: grpc.ServicerContext) -> None:
        delay = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000))
        abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "full", error_info("QUEUE_FULL"), delay)

    with served(Gateway(on_call=busy)) as address, Client(address) as client:
        with pytest.raises(errors.QueueFull) as caught:
            client.search("photos", text="a dog")
    assert caught.value.retry_after == 1.5


def test_an_unknown_reason_falls_to_its_code() -> None:
    def refuse(calls: int, context: grpc.ServicerContext) -> None:
        abort(context, grpc.StatusCode.NOT_FOUND, "gone", error_info("MOON_NOT_FOUND"))

    with served(Gateway(on_call=refuse)) as address, Client(address) as client:
        with pytest.raises(errors.NotFound) as caught:
            client.search("photos", text="a dog")
    assert caught.value.reason == "MOON_NOT_FOUND"


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED], ids=str)
def test_reading_is_retried_and_writing_is_not(code: grpc.StatusCode) -> None:
    """CANCELLED is what gRPC says of calls that were not taken yet by a server that stops."""

    def once(calls: int, context: grpc.ServicerContext) -> None:
        if calls == 1:
            context.abort(code, "restarting")

    gateway = Gateway(on_call=once)
    with served(gateway) as address, Client(address) as client:
        assert client.search("photos", text="a dog").hits == ()
    assert gateway.calls == 2

    gateway = Gateway(on_call=once)
    with served(gateway) as address, Client(address) as client:
        with pytest.raises(errors.Unavailable, match="restarting") as caught:
            client.delete_collection("photos")
    assert gateway.calls == 1 and caught.value.code is grpc.StatusCode.UNAVAILABLE


def test_no_server_at_the_address() -> None:
    with Client("127.0.0.1:1", timeout=5) as client:
        with pytest.raises(errors.Unavailable, match=r"cannot reach a scenograph server at 127\.0\.0\.1:1"):
            client.delete_collection("photos")
        with pytest.raises(errors.Unavailable, match=r"waited 0\.2 s"):
            client.wait_until_ready(timeout=0.2)


def test_a_service_that_the_server_does_not_offer() -> None:
    with (
        served(Gateway()) as address,
        Client(address) as client,
        pytest.raises(errors.ServiceMissing, match=r"does not offer scenograph\.v1\.TextualGraphService"),
    ):
        client.parse(["a dog"])


def test_a_deadline() -> None:
    with (
        served(Gateway(on_call=lambda calls, context: time.sleep(0.5))) as address,
        Client(address) as client,
        pytest.raises(errors.DeadlineExceeded),
    ):
        client.search("photos", text="a dog", timeout=0.1)
