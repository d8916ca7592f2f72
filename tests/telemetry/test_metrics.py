"""Metrics read over HTTP say what the calls made."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.runtime.probe import KINDS, NAME, probing
from tests.served import Split
from tests.support import sample_photo
from tests.telemetry.conftest import COLLECTION, ITEMS
from tests.telemetry.scraping import Scrape, wait_for

from scenograph.cli.serve import serving
from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client, Item
from scenograph.client.errors import CollectionNotFound
from scenograph.gateway.lacks import Lack, lacks
from scenograph.packs import Pack
from scenograph.runtime.server import Server, ServerOptions
from scenograph.runtime.settings import load_settings
from scenograph.runtime.telemetry.collections import MOST, OTHERS, CollectionSize, bounded
from scenograph.runtime.telemetry.exposition import Exposition
from scenograph.runtime.telemetry.metrics import RESULTS, STAGES, Metrics
from scenograph.scene.errors import CollectionNotFound as Missing
from scenograph.scene.errors import FailedPrecondition, InvalidInput, Unavailable

CALLS = "scenograph_rpc_duration_seconds_count"


def scraped(metrics: Metrics) -> Scrape:
    exposition = Exposition(metrics.registry, "127.0.0.1:0")
    try:
        return Scrape(exposition.address)
    finally:
        exposition.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_calls_of_all_kinds(kind: str) -> None:
    metrics, seen = Metrics(), []

    async def behaviour(text: str, context: object) -> str:
        seen.append(
            metrics.registry.get_sample_value("scenograph_rpc_in_flight", {"method": f"{NAME}/{kind}"})
        )
        if text == "missing":
            raise Missing("nothing")
        if text == "bug":
            raise ZeroDivisionError
        return text

    async with probing(behaviour, metrics=metrics) as (_, probe):
        await probe.call(kind)
        await probe.call(kind)
        for text in ("missing", "bug"):
            with pytest.raises(grpc.aio.AioRpcError):
                await probe.call(kind, text)
    found = scraped(metrics)
    assert found.by(CALLS, "code") == {"OK": 2, "NOT_FOUND": 1, "INTERNAL": 1}
    assert set(found.by(CALLS, "method")) == {f"{NAME}/{kind}"}
    assert found.sum("scenograph_rpc_duration_seconds_bucket", le="+Inf", code="OK") == 2
    assert seen == [1, 1, 1, 1] and found.sum("scenograph_rpc_in_flight") == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_callers_deadline_is_told_from_its_going_away(kind: str) -> None:
    metrics, entered = Metrics(), asyncio.Event()

    async def behaviour(text: str, context: object) -> str:
        entered.set()
        await asyncio.sleep(60)
        return text

    async with probing(behaviour, metrics=metrics) as (_, probe):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await probe.call(kind, timeout=0.5)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        entered.clear()
        going = asyncio.create_task(probe.call(kind, timeout=60))
        await asyncio.wait_for(entered.wait(), 10)
        going.cancel()
        for _ in range(500):
            if scraped(metrics).sum(CALLS) == 2:
                break
            await asyncio.sleep(0.02)
    assert scraped(metrics).by(CALLS, "code") == {"DEADLINE_EXCEEDED": 1, "CANCELLED": 1}


async def test_callers_add_no_names() -> None:
    metrics = Metrics()
    server = Server([NAME], ServerOptions(), metrics=metrics)
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        for name in ("One", "Other"):
            with pytest.raises(grpc.aio.AioRpcError, match="starting"):
                call: Any = channel.unary_unary(f"/{NAME}/{name}")
                await call(b"")
    await server.stop()
    assert scraped(metrics).by(CALLS, "method") == {"_OTHER": 2}


def test_searches_and_ingest(watched_server: tuple[ServerProcess, Path]) -> None:
    process, _ = watched_server
    search = "scenograph.v1.GatewayService/Search"
    before = Scrape(process.metrics_address)
    with Client(process.address) as client:
        client.create_collection("counted")
        items = [
            Item(id="a", image=sample_photo("horse.png"), texts=["a horse"]),
            Item(id="b", image=b"none"),
        ]
        assert [status.ok for status in client.ingest("counted", items)] == [True, False]
        for bypass in (False, False, True):
            client.search("counted", text="a striped horse", bypass_cache=bypass, explain=True)
        client.rank(texts=["a dog", "a horse"], text="a striped horse")
        with pytest.raises(CollectionNotFound):
            client.search("nowhere", text="a horse")
        failed = before.sum(CALLS, method=search, code="NOT_FOUND")
        after = wait_for(process.metrics_address, CALLS, failed, method=search, code="NOT_FOUND")
        client.delete_collection("counted")

    def more(name: str, **labels: str) -> float:
        return after.sum(name, **labels) - before.sum(name, **labels)

    assert (more(CALLS, method=search, code="OK"), more(CALLS, method=search, code="NOT_FOUND")) == (3, 1)
    lookups = "scenograph_cache_lookups_total"
    assert [more(lookups, cache="ranking", result=result) for result in ("hit", "miss", "bypass")] == [
        1,
        1,
        1,
    ]
    # The rank asks for the query that the first search prepared.
    assert [more(lookups, cache="query", result=result) for result in RESULTS] == [1, 1, 1]
    assert more("scenograph_ingested_items_total", result="stored") == 1
    assert more("scenograph_ingested_items_total", result="failed") == 1
    stages = "scenograph_stage_duration_seconds_count"
    assert (more(stages, work="search", stage="total"), more(stages, work="search", stage="search")) == (3, 2)
    assert (more(stages, work="search", stage="explain"), more(stages, work="rank", stage="total")) == (2, 1)
    assert more(stages, work="ingest", stage="visual") >= 1
    assert more("scenograph_model_run_duration_seconds_count", model="detector") == 1
    assert more("scenograph_model_run_rows_sum", model="detector") == 1
    assert more("scenograph_queue_wait_seconds_count", queue="detector") == 1
    assert more("scenograph_degraded_answers_total") == 0
    assert after.sum("scenograph_collection_items", collection="counted") == 1
    assert after.sum("scenograph_collection_entries", collection="counted") == 2
    assert after.sum("scenograph_collection_bytes", collection="counted") > 4096
    assert after.sum("process_resident_memory_bytes") > 2**20


def test_every_stage_of_an_answer_is_told_apart(watched_server: tuple[ServerProcess, Path]) -> None:
    with Client(watched_server[0].address) as client:
        page = client.search(COLLECTION, text="a cat on the moon", explain=True, bypass_cache=True)
        photo = client.search(COLLECTION, image=sample_photo("horse.png"), bypass_cache=True)
    assert set(page.report.timings) | set(photo.report.timings) == STAGES


def test_separate_services_count_their_own(watched_split: Split, default_pack: Pack) -> None:
    def read() -> dict[str, Scrape]:
        processes = {**watched_split.services, "gateway": watched_split.gateway}
        return {name: Scrape(process.metrics_address) for name, process in processes.items()}

    before = read()
    with Client(watched_split.address) as client:
        client.search(COLLECTION, text="an owl in a barn", bypass_cache=True)
    after = read()
    called = {
        name: sum(scrape.by(CALLS, "code").values()) - sum(before[name].by(CALLS, "code").values())
        for name, scrape in after.items()
    }
    assert called["visual"] == 0 and called["gateway"] == 1
    assert all(called[name] >= 1 for name in ("textual", "encoder", "hashing", "matching", "index"))
    assert after["index"].by("scenograph_collection_items", "collection") == {COLLECTION: len(ITEMS)}
    for name, scrape in after.items():
        assert scrape.by("scenograph_server_info", "services") == {name: 1}
        packs = scrape.by("scenograph_pack_info", "pack")
        assert packs == ({} if name == "index" else {default_pack.id: 1})
    digests = after["visual"].by("scenograph_model_info", "digest")
    assert len(digests) == len(default_pack.manifest.models)


async def test_metrics_are_off_unless_asked_for(tmp_path: Path) -> None:
    async with serving(load_settings(port=0, data_dir=tmp_path), "index") as (server, _):
        assert server.metrics_address == ""
    for address in ("9464", "host:", "127.0.0.1:70000"):
        with pytest.raises((InvalidInput, FailedPrecondition)):
            async with serving(
                load_settings(port=0, data_dir=tmp_path, metrics={"address": address}), "index"
            ):
                pass
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(FailedPrecondition, match="is the port in use"):
            Exposition(Metrics().registry, address)


def test_collections_are_bounded() -> None:
    sizes = [CollectionSize(f"c{n}", n, 2 * n, 10 * n) for n in range(MOST + 5)]
    told = bounded(sizes)
    assert len(told) == MOST + 1 and told[0].name == f"c{MOST + 4}"
    assert told[-1] == CollectionSize(OTHERS, 10, 20, 100)
    assert bounded(sizes[:3]) == sorted(sizes[:3], reverse=True)


def test_what_an_answer_lacks() -> None:
    error = Unavailable("gone")
    reason = "; ".join([Lack.PARSE.because(error), Lack.EXPLAIN.because(error)])
    assert list(lacks(reason)) == [Lack.PARSE, Lack.EXPLAIN] and list(lacks("")) == []
