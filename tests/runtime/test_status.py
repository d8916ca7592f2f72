"""Errors and gRPC status: the table is total, and every class survives the way over a real server."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from tests.runtime.probe import KINDS, probing

from scenograph.runtime import status
from scenograph.scene import errors
from scenograph.scene.errors import FieldViolation, ScenographError


def example(kind: type[ScenographError]) -> ScenographError:
    if issubclass(kind, errors.InvalidGraphQuery | errors.InvalidFilter):
        return kind("expected ']' – not “x”", position=7)
    if issubclass(kind, errors.InvalidInput):
        return kind("cannot be read", field="items[3].image", metadata={"item": "a"})
    if issubclass(kind, errors.ResourceExhausted):
        return kind("too much", retry_after_s=1.25)
    return kind("no such thing", metadata={"name": "photos"})


ALL = status.error_classes()


def same(one: ScenographError, other: ScenographError) -> None:
    assert type(one) is type(other)
    assert vars(one) == vars(other)


def test_every_class_under_the_root_has_a_code() -> None:
    assert {kind for kind in ScenographError.__subclasses__() if kind not in status.STATUS} == set()


def test_reasons_are_unique_and_own() -> None:
    reasons = [kind.reason for kind in ALL]
    assert len(set(reasons)) == len(reasons)
    assert all("reason" in vars(kind) for kind in ALL)


@pytest.mark.parametrize("kind", ALL)
def test_status_round_trip(kind: type[ScenographError]) -> None:
    same(status.from_status(status.to_status(example(kind))), example(kind))


@pytest.mark.parametrize("kind", ALL)
def test_item_status_round_trip(kind: type[ScenographError]) -> None:
    error = example(kind)
    back = status.error_from_item_status(status.item_status(error))
    assert back is not None and type(back) is kind and back.message == error.message
    assert getattr(back, "violations", ()) == getattr(error, "violations", ())


def test_item_status_of_success() -> None:
    assert status.item_status(None).code == 0
    assert status.error_from_item_status(status.item_status(None)) is None


def test_every_class_over_a_real_server() -> None:
    """See test_errors_over_a_server; here only that the examples cover the tree."""
    assert {type(example(kind)) for kind in ALL} == set(ALL)


async def test_errors_over_a_server() -> None:
    by_reason = {kind.reason: kind for kind in ALL}

    async def raising(text: str, context: object) -> str:
        raise example(by_reason[text])

    async with probing(raising) as (_, probe):
        for kind in ALL:
            for call in KINDS:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await probe.call(call, kind.reason)
                assert caught.value.code() is status.code_of(kind)
                same(status.from_rpc_error(caught.value), example(kind))


async def test_details_are_the_standard_ones() -> None:
    async def raising(text: str, context: object) -> str:
        raise errors.QueueFull("full", retry_after_s=0.5)

    async with probing(raising) as (_, probe):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await probe.call("UU")
    trailers = dict(caught.value.trailing_metadata())
    sent = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert sent.details[0].Unpack(info) and (info.reason, info.domain) == ("QUEUE_FULL", "scenograph")
    assert sent.details[1].Is(error_details_pb2.QuotaFailure.DESCRIPTOR)
    assert sent.details[2].Unpack(retry) and retry.retry_delay.ToMilliseconds() == 500


async def test_an_unexpected_exception_is_opaque(caplog: pytest.LogCaptureFixture) -> None:
    async def raising(text: str, context: object) -> str:
        raise KeyError("secret detail")

    async with probing(raising) as (_, probe):
        for call in KINDS:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await probe.call(call)
            assert caught.value.code() is grpc.StatusCode.INTERNAL
            assert "secret" not in str(caught.value)
            error = status.from_rpc_error(caught.value)
            assert isinstance(error, errors.Internal)
            record = next(
                r for r in caplog.records if getattr(r, "error_id", "") == error.metadata["error_id"]
            )
            assert "secret detail" in str(record.exc_info)


@pytest.mark.parametrize("letter", ["x", "犬"])
async def test_enormous_errors_still_arrive(letter: str) -> None:
    async def raising(text: str, context: object) -> str:
        error = errors.InvalidInput(letter * 100_000, field=letter * 10_000, metadata={"m": letter * 10_000})
        error.violations = (FieldViolation(letter * 10_000, letter * 10_000),) * 1000
        raise error

    async with probing(raising) as (_, probe):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await probe.call("UU")
    error = status.from_rpc_error(caught.value)
    assert type(error) is errors.InvalidInput and error.message.startswith(letter) and error.violations


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with probing(lambda text, context: pytest.fail()) as (server, probe):
        await server.stop()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await probe.call("UU", timeout=5)
    assert type(status.from_rpc_error(caught.value)) is errors.Unavailable


def test_an_unknown_reason_falls_back_on_the_code() -> None:
    sent = status.to_status(errors.ItemNotFound("gone"))
    info = error_details_pb2.ErrorInfo(reason="OF_THE_FUTURE", domain="scenograph")
    sent.details[0].Pack(info)
    assert type(status.from_status(sent)) is errors.NotFound
