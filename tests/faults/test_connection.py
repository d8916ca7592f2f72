"""Connections cut while calls are under way: what was acknowledged counts, the rest is sent again."""

from __future__ import annotations

import time
from itertools import islice

import pytest

from scenograph.client import Item, errors
from tests.faults.conftest import Whole
from tests.faults.load import Load, connected
from tests.faults.outcome import Outcome
from tests.faults.proxy import Proxy
from tests.faults.sentences import sentences

CUTS = 5


def test_connections_are_cut_under_load(whole: Whole) -> None:
    note = "calls on a connection that is cut; searches are tried again by the client"
    with Proxy(whole.server.address) as proxy:
        with Load(proxy.address, whole.fixed, f"all connections cut, {CUTS} times", note=note) as load:
            with load.failing():
                for _ in range(CUTS):
                    load.more(writes=8, searches=8)
                    assert proxy.cut()
            load.more(writes=8, searches=8)
        outcome = load.finish(whole.server.address)
    assert set(outcome.failed_writes) | set(outcome.failed_searches) <= {"UNAVAILABLE"}


def test_an_ingest_stream_that_is_cut_goes_on_where_it_was(whole: Whole) -> None:
    texts = list(islice(sentences(4242), 300))
    items = [Item(id=f"c{n}", texts=[text], request_id=f"c{n}") for n, text in enumerate(texts)]
    outcome = Outcome(
        "an ingest stream cut in the middle, 3 times", note="the stream; sent again from its start"
    )
    acknowledged: list[str] = []
    with Proxy(whole.server.address) as proxy, connected(proxy.address) as client:
        client.create_collection("cut")
        for cut_at in (40, 110, 200):
            with pytest.raises(errors.Unavailable):
                for position, status in enumerate(client.ingest("cut", items)):
                    assert status.ok and status.replayed == (position < len(acknowledged))
                    if position >= len(acknowledged):
                        acknowledged.append(status.item_id)
                    if len(acknowledged) == cut_at:
                        proxy.cut()
            outcome.failed_writes["UNAVAILABLE"] = outcome.failed_writes.get("UNAVAILABLE", 0) + 1
            stored = _stored(whole, "cut")
            outcome.lost += len(set(acknowledged) - set(stored))
            acknowledged = [item.id for item in items[: len(stored)]]  # stored, its status lost on the way
            assert sorted(stored) == sorted(acknowledged)
        began = time.monotonic()
        statuses = list(client.ingest("cut", items))
        outcome.recovery_s = round(time.monotonic() - began, 2)
    assert [status.replayed for status in statuses] == [n < len(acknowledged) for n in range(len(items))]
    stored = _stored(whole, "cut")
    outcome.writes, outcome.searches = len(statuses), len(stored)
    outcome.lost += len({item.id for item in items} - set(stored))
    outcome.wrong = len(stored) - len(set(stored))
    outcome.check()


def _stored(whole: Whole, collection: str) -> list[str]:
    with connected(whole.server.address) as client:
        return [item.id for page in client.list_items(collection, page_size=100) for item in page]
