"""Too little time, or a service out of reach: a lesser answer that says so, or an error if none is honest."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.gateway.harness import FaultyMatching, FaultyTextual, ask, gateway_with, graph, ids, image

from scenograph.cli.compose.apps import Apps
from scenograph.gateway.answers import CacheStatus
from scenograph.gateway.app import GatewayApp
from scenograph.gateway.requests import Candidate, RankRequest, Stage, TextSource
from scenograph.runtime import deadline
from scenograph.scene.errors import DeadlineExceeded, QueueFull, ScenographError, Unavailable

pytestmark = [pytest.mark.pack, pytest.mark.usefixtures("gateway")]

FAULTS = [Unavailable("matching is away"), QueueFull("matching is full")]


@pytest.fixture
def matching(apps: Apps) -> FaultyMatching:
    return FaultyMatching(apps.matching)


@pytest.fixture
def textual(apps: Apps) -> FaultyTextual:
    return FaultyTextual(apps.textual)


@pytest.fixture
def faulty(apps: Apps, matching: FaultyMatching, textual: FaultyTextual, tmp_path: Path) -> GatewayApp:
    return gateway_with(apps, tmp_path, matching=matching, textual=textual)


async def test_slow_matching_is_given_up_in_time(faulty: GatewayApp, matching: FaultyMatching) -> None:
    await faulty.search(ask("a warm cat"))
    matching.delay_s = 30
    with deadline.within(0.5):
        async with asyncio.timeout(0.5):
            page = await faulty.search(ask("a cat", explain=True))
    assert page.report.degraded
    assert "graph stage" in page.report.degraded_reason
    assert page.report.graph_candidates == 0
    assert {hit.parts.stage for hit in page.hits} == {Stage.FLOAT}
    assert matching.cancelled == 1
    assert page.next_page_token == "" or page.hits


async def test_a_stage_known_to_be_slow_is_not_begun(faulty: GatewayApp, matching: FaultyMatching) -> None:
    await faulty.search(ask("a warm cat"))
    matching.delay_s = 30
    for name, seconds in (("a first cat", 0.4), ("a second cat", 0.3)):
        with deadline.within(seconds):
            assert (await faulty.search(ask(name))).report.degraded
    assert matching.calls == 2, "one to warm up, one given up, none begun after it"
    matching.delay_s = 0
    assert not (await faulty.search(ask("a third cat"))).report.degraded, "with time enough it is tried again"


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: error.reason)
async def test_without_the_matching_service_the_float_stage_answers(
    faulty: GatewayApp, matching: FaultyMatching, error: ScenographError
) -> None:
    matching.error = error
    request = ask("a cat", page_size=2, explain=True)
    page = await faulty.search(request)
    assert page.report.degraded and error.message in page.report.degraded_reason
    assert ids(page)
    rest = await faulty.search(replace(request, page_token=page.next_page_token))
    assert rest.report.degraded and not set(ids(rest)) & set(ids(page))
    matching.error = None
    again = await faulty.search(request)
    assert not again.report.degraded, "a degraded ranking is not taken for the answer later"
    assert again.report.cache is CacheStatus.MISS


async def test_hard_parts_cannot_do_without_matching(faulty: GatewayApp, matching: FaultyMatching) -> None:
    request = ask(graph("(cat)"))
    matching.error = FAULTS[0]
    with pytest.raises(Unavailable, match="away"):
        await faulty.search(request)
    matching.error, matching.delay_s = None, 30
    with deadline.within(0.5), pytest.raises(DeadlineExceeded):
        await faulty.search(request)


async def test_explanations_that_cannot_be_had_are_told(faulty: GatewayApp, matching: FaultyMatching) -> None:
    request = ask("a cup", explain=False)
    await faulty.search(request)
    matching.error = FAULTS[0]
    page = await faulty.search(replace(request, explain=True))
    assert page.report.cache is CacheStatus.HIT
    assert page.report.degraded and "not explained" in page.report.degraded_reason
    assert {hit.alignment for hit in page.hits} == {None} == {hit.graph for hit in page.hits}


async def test_without_the_textual_service_a_sentence_is_still_found(
    faulty: GatewayApp, textual: FaultyTextual, matching: FaultyMatching
) -> None:
    textual.error = Unavailable("textual is away")
    page = await faulty.search(ask("a cat"))
    assert page.report.degraded and "textual is away" in page.report.degraded_reason
    assert matching.calls == 0 and ids(page)
    mixed = await faulty.search(ask("a cat", (image("chelsea.png"), 1.0)))
    assert mixed.report.degraded and matching.calls == 1, "the image's graph is matched all the same"
    textual.error, textual.delay_s = None, 30
    with deadline.within(0.6):
        slow = await faulty.search(ask("a slow cat"))
    assert slow.report.degraded and "parse" in slow.report.degraded_reason
    textual.delay_s = 0
    assert not (await faulty.search(ask("a cat"))).report.degraded


async def test_rank_says_the_same(faulty: GatewayApp, matching: FaultyMatching) -> None:
    query = ask("a cat").query
    candidates = (Candidate("", TextSource("a dog")), Candidate("", TextSource("a cat")))
    matching.error = FAULTS[0]
    hits, report = await faulty.rank(RankRequest(query, candidates))
    assert hits[0].item_id == "1" and report.degraded
    assert {hit.parts.stage for hit in hits} == {Stage.FLOAT}
    with pytest.raises(Unavailable):
        await faulty.rank(RankRequest(ask(graph("(cat)")).query, candidates))


async def test_a_cancelled_search_gives_its_work_up(faulty: GatewayApp, matching: FaultyMatching) -> None:
    matching.delay_s = 30
    search = asyncio.create_task(faulty.search(ask("a cancelled cat")))
    await matching.called.wait()
    search.cancel()
    with pytest.raises(asyncio.CancelledError):
        await search
    await asyncio.sleep(0.01)
    assert matching.cancelled == 1


async def test_equal_searches_at_once_are_computed_once(faulty: GatewayApp, matching: FaultyMatching) -> None:
    matching.delay_s = 0.05
    pages = await asyncio.gather(*(faulty.search(ask("the same cat")) for _ in range(5)))
    assert matching.calls == 1
    assert len({tuple(ids(page)) for page in pages}) == 1


async def test_a_hasty_callers_lesser_answer_is_not_anothers(
    faulty: GatewayApp, matching: FaultyMatching
) -> None:
    await faulty.search(ask("a warm cat"))
    matching.delay_s = 0.3

    async def hasty() -> bool:
        with deadline.within(0.2):
            return (await faulty.search(ask("a shared cat"))).report.degraded

    async def patient() -> bool:
        await asyncio.sleep(0.02)
        return (await faulty.search(ask("a shared cat"))).report.degraded

    lesser, whole = await asyncio.gather(hasty(), patient())
    assert lesser and not whole
