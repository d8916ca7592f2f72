"""Items reach a gateway that fails now and then, each once; what is refused for good is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import grpc
import pytest
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2

from scenograph.bulk.records import Rejected, Shard, identified
from scenograph.bulk.sending import GaveUp, Sender, Target
from scenograph.bulk.work import STRETCH, Sent, send_shard
from scenograph.client import Item
from scenograph.v1 import common_pb2, gateway_pb2
from tests.client.faulty import Gateway, abort, error_info, served

Fault = Callable[[gateway_pb2.IngestRequest, int, grpc.ServicerContext], grpc.StatusCode | None]


@dataclass
class Store(Gateway):
    """Stores items by request id. `fault` (given how often the item has come) ends the call, or gives the
    item a status.
    """

    fault: Fault = lambda request, times, context: None
    came: Counter[str] = field(default_factory=Counter)
    stored: dict[str, gateway_pb2.IngestRequest] = field(default_factory=dict)

    def ingest(
        self, stream: Iterator[gateway_pb2.IngestRequest], context: grpc.ServicerContext
    ) -> Iterator[gateway_pb2.IngestResponse]:
        for request in stream:
            self.came[request.item.id] += 1
            code = self.fault(request, self.came[request.item.id], context)
            status = common_pb2.ItemStatus(code=code.value[0] if code else 0, reason="INVALID_IMAGE")
            replayed = request.request_id in self.stored
            if code is None:
                self.stored[request.request_id] = request
            yield gateway_pb2.IngestResponse(
                item_id=request.item.id, request_id=request.request_id, status=status, replayed=replayed
            )


def items(number: int) -> list[Item]:
    return [identified(Item(f"i{n}", None, [f"said {n}"])) for n in range(number)]


def ids(store: Store) -> list[str]:
    return sorted(request.item.id for request in store.stored.values())


def busy(context: grpc.ServicerContext, code: grpc.StatusCode, retry_s: int) -> None:
    delay = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=retry_s))
    abort(context, code, "busy", error_info("QUEUE_FULL"), delay)


def test_a_full_server_is_waited_for_as_long_as_it_says() -> None:
    def fault(request: gateway_pb2.IngestRequest, times: int, context: grpc.ServicerContext) -> None:
        if request.item.id == "i3" and times < 3:
            busy(context, grpc.StatusCode.RESOURCE_EXHAUSTED, 7)

    store, slept = Store(fault=fault), list[float]()
    with served(store) as address, Sender(Target((address,), "c"), sleep=slept.append) as sender:
        statuses = sender.send(items(10))
    assert sorted(status.item_id for status in statuses) == ids(store) == sorted(f"i{n}" for n in range(10))
    assert all(status.ok for status in statuses) and slept == [7, 7]
    assert store.came["i0"] == 1  # what was answered is not sent again


def test_an_item_may_be_refused_for_now_or_for_good() -> None:
    codes = {
        "i1": [grpc.StatusCode.UNAVAILABLE] * 2,
        "i2": [grpc.StatusCode.INVALID_ARGUMENT] * 9,
        "i3": [grpc.StatusCode.INTERNAL] * 2,
        "i4": [grpc.StatusCode.INTERNAL] * 9,
    }

    def fault(
        request: gateway_pb2.IngestRequest, times: int, context: grpc.ServicerContext
    ) -> grpc.StatusCode | None:
        return dict(enumerate(codes.get(request.item.id, ()), 1)).get(times)

    store = Store(fault=fault)
    with served(store) as address, Sender(Target((address,), "c"), sleep=lambda s: None) as sender:
        statuses = {status.item_id: status for status in sender.send(items(6))}
    assert [name for name in sorted(statuses) if not statuses[name].ok] == ["i2", "i4"]
    assert store.came == {"i0": 1, "i1": 3, "i2": 1, "i3": 3, "i4": 3, "i5": 1}


def test_where_one_gateway_is_away_another_is_asked() -> None:
    store = Store()
    with served(Gateway()) as gone:
        pass
    with served(store) as address:
        target = Target((gone, address), "c")
        with Sender(target, sleep=lambda s: None) as sender:
            assert all(status.ok for status in sender.send(items(5)))
    assert len(store.stored) == 5


def test_patience_ends() -> None:
    with served(Gateway()) as gone:
        pass
    slept: list[float] = []
    target = Target((gone,), "c", patience_s=0)
    with Sender(target, sleep=slept.append) as sender, pytest.raises(GaveUp, match="nothing was stored"):
        sender.send(items(1))


def test_what_will_never_go_is_given_up_at_once() -> None:
    def fault(request: gateway_pb2.IngestRequest, times: int, context: grpc.ServicerContext) -> None:
        abort(context, grpc.StatusCode.NOT_FOUND, "no such collection", error_info("COLLECTION_NOT_FOUND"))

    store = Store(fault=fault)
    with served(store) as address, Sender(Target((address,), "c")) as sender:
        with pytest.raises(GaveUp, match="no such collection"):
            sender.send(items(3))
    assert store.came == {"i0": 1}


class Records:
    """Sound records, a wrong one in every ten, and an error after `breaks` of them."""

    def __init__(self, number: int, breaks: int | None = None) -> None:
        self._number, self._breaks = number, breaks

    def read(self) -> Iterator[Item | Rejected]:
        for place, item in enumerate(items(self._number)):
            if place == self._breaks:
                raise OSError("the disk went away")
            yield Rejected(item.id, "WRONG", "told") if place % 10 == 9 else item


def sent(records: Records, store: Store, skip: int = 0) -> list[Sent]:
    with served(store) as address:
        return list(send_shard(Shard("s", "s", None, records), skip, Target((address,), "c"), 0))


def test_a_shard_is_told_in_stretches() -> None:
    store = Store()
    told = sent(Records(2 * STRETCH + 10), store)
    assert [(each.upto, each.end) for each in told] == [
        (STRETCH, False),
        (2 * STRETCH, False),
        (2 * STRETCH + 10, True),
    ]
    wrong = [record.record for each in told for record in each.rejected]
    assert wrong == [f"i{n}" for n in range(9, 2 * STRETCH + 10, 10)]
    assert sum(each.stored for each in told) == len(store.stored) == 2 * STRETCH + 10 - len(wrong)


def test_a_shard_goes_on_after_what_is_skipped() -> None:
    store = Store()
    told = sent(Records(2 * STRETCH), store, skip=STRETCH)
    assert [(each.upto, each.end) for each in told] == [(2 * STRETCH, False), (2 * STRETCH, True)]
    assert "i0" not in store.came and f"i{STRETCH}" in store.came


def test_a_shard_that_breaks_says_so_and_keeps_what_was_sent() -> None:
    store = Store()
    told = sent(Records(3 * STRETCH, breaks=STRETCH + 1), store)
    assert (told[0].upto, told[-1].upto, told[-1].end) == (STRETCH, STRETCH, False)
    assert "the disk went away" in told[-1].broken and not told[-1].stopped


def test_a_shard_stops_where_nothing_more_goes() -> None:
    def fault(request: gateway_pb2.IngestRequest, times: int, context: grpc.ServicerContext) -> None:
        if request.item.id == f"i{STRETCH}":
            abort(context, grpc.StatusCode.PERMISSION_DENIED, "not yours", error_info("PERMISSION_DENIED"))

    told = sent(Records(2 * STRETCH), Store(fault=fault))
    assert [(each.upto, each.stopped) for each in told] == [(STRETCH, ""), (STRETCH, "not yours")]


def test_the_same_record_twice_is_stored_once() -> None:
    class Twice:
        def read(self) -> Iterator[Item | Rejected]:
            yield from items(3) + items(3)

    store = Store()
    with served(store) as address:
        (told,) = send_shard(Shard("s", "s", None, Twice()), 0, Target((address,), "c"), 0)
    assert (told.upto, told.stored, told.replayed, len(store.stored)) == (6, 6, 3, 3)
