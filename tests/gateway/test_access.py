"""Items behind access labels, through the whole gateway: caches, pages, explanations and queries by item.

What somebody is to find is what one who sees all finds, less what is hidden from them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import grpc
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.harness import PHOTOS, SENTENCES, UNCACHED, ask, gateway_with, graph, photo, stored, taken
from tests.serving import serving_one

from scenograph.cli.compose.apps import Apps
from scenograph.gateway import converters as convert
from scenograph.gateway.answers import CacheStatus, Hit, SearchPage
from scenograph.gateway.app import GatewayApp
from scenograph.gateway.digests import request_digest
from scenograph.gateway.requests import ImageSource, Item, SearchRequest, StoredSource
from scenograph.gateway.sent import SentAnswers
from scenograph.gateway.servicer import Context, GatewayServicer
from scenograph.gateway.tokens import PageToken, read_token, write_token
from scenograph.runtime.contracts import Modality
from scenograph.runtime.principal import ANY_COLLECTION, Principal, Role, acting_as
from scenograph.scene.errors import (
    InvalidInput,
    InvalidPageToken,
    ItemNotFound,
    PageTokenExpired,
    PermissionDenied,
)
from scenograph.v1 import common_pb2
from scenograph.v1 import gateway_pb2 as pb
from scenograph.v1 import gateway_pb2_grpc as pb_grpc

pytestmark = pytest.mark.pack

LABELS = ("red", "green", "blue")
SERVICE = "scenograph.v1.GatewayService"
Stub: TypeAlias = "pb_grpc.GatewayServiceAsyncStub"
Held: TypeAlias = "frozenset[str] | None"

holders = st.one_of(st.none(), st.frozensets(st.sampled_from(LABELS)))


def drawn_labels() -> dict[str, tuple[str, ...]]:
    """Labels of each item: a third has none."""
    random = np.random.default_rng(5)
    names = [*PHOTOS, *(f"s{place}" for place in range(len(SENTENCES)))]
    return {
        name: tuple(sorted(random.choice(LABELS, int(random.integers(3)), replace=False).tolist()))
        for name in names
    }


OF = drawn_labels()


def visible(held: Held, item: str) -> bool:
    return held is None or not OF[item] or bool(held.intersection(OF[item]))


def holder(held: Held) -> Principal:
    return Principal("somebody", {ANY_COLLECTION: Role.WRITER}, labels=held)


@pytest.fixture(scope="module")
async def labelled(apps: Apps, tmp_path_factory: pytest.TempPathFactory) -> GatewayApp:
    """A gateway with `labelled`: photographs with captions, and sentences, behind labels."""
    gateway = gateway_with(apps, tmp_path_factory.mktemp("uploads"))
    await gateway.collections.create("labelled", 0)
    items = [
        Item(name, ImageSource(photo(file)), (caption,), {"kind": "photo"}, OF[name])
        for name, (file, caption) in PHOTOS.items()
    ]
    items += [
        Item(f"s{place}", None, (text,), {"kind": "text"}, OF[f"s{place}"])
        for place, text in enumerate(SENTENCES)
    ]
    assert taken(await gateway.batch_ingest("labelled", items)) == len(items)
    return gateway


def asked(*sources: object, **fields: object) -> SearchRequest:
    return ask(*sources, collection="labelled", **fields)  # type: ignore[arg-type]


QUESTIONS = {
    "sentence": asked("a brown dog sits on a red bench", returning=Modality.TEXT, page_size=3),
    "photos": asked("a cat looks at the camera", page_size=2, explain=True),
    "graph": asked(graph("(dog)"), returning=Modality.TEXT, page_size=4, explain=True),
    "filter": asked("an old man", returning=Modality.TEXT, filter='kind = "text"', page_size=5),
    "uncached": asked("two children", returning=Modality.TEXT, page_size=4, options=UNCACHED),
    "like an item": asked(stored("coffee"), returning=Modality.TEXT, page_size=3, explain=True),
    "like two": asked(stored("s1"), (stored("cat"), 0.5), returning=Modality.TEXT, page_size=6),
}


async def pages(gateway: GatewayApp, request: SearchRequest) -> list[SearchPage]:
    found = [await gateway.search(request)]
    while found[-1].next_page_token:
        found.append(await gateway.search(replace(request, page_token=found[-1].next_page_token)))
    return found


def told(hits: Sequence[Hit]) -> list[object]:
    """What hits say, less what rounding in batches of other sizes may change."""
    return [(hit.item_id, hit.modality, hit.ordinal, hit.text, hit.graph, dict(hit.metadata)) for hit in hits]


_all: dict[str, list[Hit]] = {}


async def expected(gateway: GatewayApp, name: str, held: Held) -> list[object]:
    """The hits for somebody, from what one who sees all finds with nothing cached."""
    if name not in _all:
        request = QUESTIONS[name]
        whole = replace(request, page_size=1000, options=replace(request.options, bypass_cache=True))
        _all[name] = (await gateway.search(whole)).hits
    return told([hit for hit in _all[name] if visible(held, hit.item_id)])


def entries(request: SearchRequest, held: Held) -> int:
    """How many entries a search for somebody looks at: each item has one text, photographs are one more."""
    items = [name for name in OF if visible(held, name) and (name not in PHOTOS or not request.filter)]
    return sum(request.returning is Modality.TEXT or name in PHOTOS for name in items)


@settings(max_examples=15, deadline=None)
@given(
    calls=st.lists(
        st.tuples(st.sampled_from(sorted(QUESTIONS)), holders, st.booleans()), min_size=2, max_size=5
    )
)
async def test_nobody_finds_more_than_they_see(
    labelled: GatewayApp, calls: list[tuple[str, Held, bool]]
) -> None:
    """Whoever asked the same before."""
    for name, held, streamed in calls:
        request = QUESTIONS[name]
        asks_for = [part.source.item_id for part in request.query if isinstance(part.source, StoredSource)]
        with acting_as(holder(held)):
            if not all(visible(held, item) for item in asks_for):
                with pytest.raises(ItemNotFound):
                    await labelled.search(request)
                continue
            found = await pages(labelled, request)
            if streamed:
                async with aclosing(labelled.search_stream(request)) as stages:
                    async for stage in stages:
                        assert all(visible(held, hit.item_id) for hit in stage.page.hits)
                        assert stage.page.report.considered == found[0].report.considered
        considered = entries(request, held)
        assert told([hit for page in found for hit in page.hits]) == await expected(labelled, name, held)
        assert {page.report.considered for page in found} == {considered}
        for page in found:
            report = page.report
            most = max(report.coarse_candidates, report.float_candidates, report.graph_candidates)
            assert most <= considered
            if request.explain:
                assert all(hit.alignment is not None for hit in page.hits)


async def test_items_that_are_hidden_are_not_there(labelled: GatewayApp) -> None:
    for held in (None, frozenset(), frozenset({"red"}), frozenset(LABELS)):
        seen = [name for name in OF if visible(held, name)]
        with acting_as(holder(held)):
            for name in OF:
                if name in seen:
                    assert (await labelled.collections.get_item("labelled", name)).access_labels == OF[name]
                else:
                    with pytest.raises(ItemNotFound):
                        await labelled.collections.get_item("labelled", name)
            listed, token = await labelled.collections.list_items("labelled", 1000, "", "")
            assert ([record.id for record in listed], token) == (seen, "")
            described = await labelled.collections.open("labelled")
            assert described.items == len(seen)
            assert described.entries == len(seen) + sum(name in PHOTOS for name in seen)
            assert described in (await labelled.collections.list(0, ""))[0]


async def test_who_sees_the_same_shares_answers_and_nobody_else(labelled: GatewayApp) -> None:
    request = asked("two children play with a ball in the park", returning=Modality.TEXT, page_size=3)
    statuses = []
    for held in ({"red"}, {"red"}, {"blue"}, {"red", "blue"}, set(), None, {"red"}):
        with acting_as(holder(None if held is None else frozenset(held))):
            statuses.append((await labelled.search(request)).report.cache)
    hit, miss = CacheStatus.HIT, CacheStatus.MISS
    assert statuses == [miss, hit, miss, miss, miss, miss, hit]


async def test_a_page_token_is_for_the_same_eyes(labelled: GatewayApp) -> None:
    request = asked("a brown dog runs", returning=Modality.TEXT, page_size=2)
    with acting_as(holder(frozenset({"red"}))):
        first = await labelled.search(request)
        following = replace(request, page_token=first.next_page_token)
        await labelled.search(following)
    for other in (None, frozenset(), frozenset({"red", "blue"})):
        with acting_as(holder(other)), pytest.raises(InvalidPageToken):
            await labelled.search(following)


async def test_a_forged_page_token_shows_no_other_ranking(labelled: GatewayApp) -> None:
    """Tokens can be made by whoever reads this code; a ranking says itself whose it is."""
    request = asked("a brown dog runs", returning=Modality.TEXT, page_size=2)
    first = await labelled.search(request)
    theirs = read_token(first.next_page_token, request_digest(request))
    with acting_as(holder(frozenset())):
        forged = write_token(PageToken(request_digest(request), theirs.ranking, 2, theirs.order))
        with pytest.raises(PageTokenExpired):
            await labelled.search(replace(request, page_token=forged))


class Labelled(GatewayServicer):
    """Takes the labels that a call says it holds for what it holds."""

    async def Search(  # type: ignore[override]  # noqa: N802
        self, request: pb.SearchRequest, context: Context
    ) -> pb.SearchResponse | bytes:
        said = str(dict(context.invocation_metadata() or ())["held"])
        with acting_as(holder(frozenset(filter(None, said.split(","))))):
            return await super().Search(request, context)


@pytest.fixture
async def stub(labelled: GatewayApp) -> AsyncIterator[Stub]:
    servicer = Labelled(labelled, SentAnswers(labelled, max_bytes=2**22))
    async with serving_one(
        SERVICE, lambda server: pb_grpc.add_GatewayServiceServicer_to_server(servicer, server)
    ) as channel:
        yield pb_grpc.GatewayServiceStub(channel)


async def test_answers_kept_as_they_were_sent_are_sent_to_the_same_eyes(stub: Stub) -> None:
    part = pb.QueryPart(text="an old man plays with a ball at the beach")
    request = pb.SearchRequest(
        collection="labelled",
        query=pb.Query(parts=[part]),
        returning=common_pb2.MODALITY_TEXT,
        explain=True,
        page_size=50,
    )
    for held in ("red", "blue", "red", "", "red,green,blue", ""):
        call = stub.Search(request, metadata=(("held", held),))
        answer = await call
        ids = [hit.item_id for hit in answer.hits]
        seen = [name for name in OF if visible(frozenset(filter(None, held.split(","))), name)]
        assert set(ids) == set(seen) and answer.report.considered == len(seen)
        assert (await call.code()) is grpc.StatusCode.OK


async def test_labels_are_checked_before_any_work(labelled: GatewayApp) -> None:
    with acting_as(holder(frozenset({"red"}))):
        outcomes = await labelled.batch_ingest(
            "labelled",
            [
                Item("new", None, ("a text",), {}, ("blue",)),
                Item("bad", None, ("a text",), {}, ("a\nb",)),
                Item(next(name for name in OF if OF[name] == ("blue",)), None, ("mine now",)),
            ],
        )
    assert [type(outcome.error) for outcome in outcomes] == [PermissionDenied, InvalidInput, PermissionDenied]
    assert isinstance(outcomes[1].error, InvalidInput)
    assert outcomes[1].error.violations[0].field == "access_labels[0]"


async def test_labels_come_back_over_the_wire(apps: Apps, tmp_path: Path) -> None:
    message = pb.Item(id="x", texts=["a text"], access_labels=["b", "a", "b"])
    item = convert.item_from_pb(message)
    assert item.access_labels == ("a", "b")
    gateway = gateway_with(apps, tmp_path)
    await gateway.collections.create("wire", 0)
    assert taken(await gateway.batch_ingest("wire", [item])) == 1
    record = await gateway.collections.get_item("wire", "x")
    assert list(convert.stored_item_to_pb(record, graphs=False).access_labels) == ["a", "b"]
    await gateway.collections.delete("wire")
