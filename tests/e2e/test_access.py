"""Servers that ask who calls: what each caller finds there, and the record that is kept of it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from scenograph.cli.app import run
from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client, Item, errors
from scenograph.packs import Pack
from scenograph.runtime.security.audit.verify import verify
from scenograph.v1 import common_pb2, gateway_pb2, index_pb2
from scenograph.v1 import gateway_pb2_grpc as gateway
from scenograph.v1 import index_pb2_grpc as index
from tests.e2e.access import (
    ADMIN,
    CALLERS,
    OTHER,
    OWNER,
    READER,
    STRANGER,
    WRITER,
    Caller,
    write_principals,
)
from tests.e2e.conftest import PHOTOS, Guarded
from tests.e2e.photos import COFFEE
from tests.telemetry.scraping import Scrape

PATIENCE_S = 60.0


def wait_until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def audited(path: Path) -> list[dict[str, Any]]:
    found = verify(path)
    assert found.problems == [] and found.torn == []
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def pages(stub: Any, request: Any, caller: Caller) -> list[list[str]]:
    """The names on each page of a list of collections."""
    found: list[list[str]] = []
    token = ""
    while True:
        answer = stub.ListCollections(request(page_size=2, page_token=token), metadata=caller.metadata)
        found.append([collection.name for collection in answer.collections])
        token = answer.next_page_token
        if not token:
            return found


def test_collections_of_others_are_not_there(guarded: Guarded) -> None:
    names = [f"{OTHER}", "codes", "empty", "items"]
    with Client(guarded.address, key=ADMIN.key) as client:
        for name in names:
            client.create_collection(name)
    try:
        with grpc.insecure_channel(guarded.address) as channel:
            for stub, request in (
                (gateway.GatewayServiceStub(channel), gateway_pb2.ListCollectionsRequest),
                (index.IndexServiceStub(channel), index_pb2.IndexServiceListCollectionsRequest),
            ):
                everything = [["codes", OTHER], ["empty", "items"], [PHOTOS]]
                assert pages(stub, request, ADMIN) == everything
                assert pages(stub, request, READER) == [["codes", "empty"], ["items", PHOTOS]]
                assert pages(stub, request, STRANGER) == [[OTHER]]
    finally:
        with Client(guarded.address, key=ADMIN.key) as client:
            for name in names:
                client.delete_collection(name)


def test_each_item_of_a_stream_needs_the_right(guarded: Guarded) -> None:
    with Client(guarded.address, key=OWNER.key) as owner:
        owner.create_collection("items")
    with Client(guarded.address, key=ADMIN.key) as admin:
        admin.create_collection(OTHER)
    try:
        with grpc.insecure_channel(guarded.address) as channel:
            item = gateway_pb2.Item(texts=["a dog"])
            requests = [
                gateway_pb2.IngestRequest(collection="items", item=gateway_pb2.Item(id="a", texts=["a dog"])),
                gateway_pb2.IngestRequest(item=gateway_pb2.Item(id="b", texts=["a dog"])),
                gateway_pb2.IngestRequest(collection=OTHER, item=item),
            ]
            call = gateway.GatewayServiceStub(channel).Ingest(iter(requests), metadata=WRITER.metadata)
            with pytest.raises(grpc.RpcError) as caught:
                list(call)
            assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
        with Client(guarded.address, key=ADMIN.key) as admin:
            assert not [item for page in admin.list_items(OTHER) for item in page.items]
        lines = [one for one in audited(guarded.audit) if one["method"].endswith("GatewayService/Ingest")]
        mine = [one for one in lines if one["principal"] == WRITER.name]
        items = [one["items"] for one in mine if one["event"] == "item"]
        assert items[-2:] == [["a"], ["b"]] and mine[-1]["event"] == "refused"
    finally:
        with Client(guarded.address, key=ADMIN.key) as admin:
            admin.delete_collection("items")
            admin.delete_collection(OTHER)


def test_uploads_are_ones_own(guarded: Guarded) -> None:
    with grpc.insecure_channel(guarded.address) as channel:
        stub = gateway.GatewayServiceStub(channel)
        chunks = [gateway_pb2.UploadImageRequest(chunk=COFFEE)]
        upload = stub.UploadImage(iter(chunks), metadata=READER.metadata)
        image = gateway_pb2.QueryPart(image=common_pb2.Image(upload_id=upload.upload_id))
        request = gateway_pb2.SearchRequest(collection=PHOTOS, query=gateway_pb2.Query(parts=[image]))
        with pytest.raises(grpc.RpcError) as caught:
            stub.Search(request, metadata=WRITER.metadata)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert stub.Search(request, metadata=READER.metadata).hits[0].item_id == "coffee"


def test_queries_are_not_written_down(guarded: Guarded) -> None:
    with Client(guarded.address, key=READER.key) as client:
        for text in ("a remarkable zebra", "a remarkable zebra", "a dull zebra"):
            client.search(PHOTOS, text=text, limit=3)

    def searches() -> list[dict[str, Any]]:
        lines = [one for one in audited(guarded.audit) if one["method"].endswith("GatewayService/Search")]
        return [one for one in lines if one["principal"] == READER.name and one.get("read") == 3]

    wait_until(lambda: len(searches()) >= 3)  # reads are written within a second
    first, second, third = searches()[-3:]
    assert first["query"] == second["query"] != third["query"] and first["collection"] == PHOTOS
    assert b"zebra" not in guarded.audit.read_bytes() + guarded.process.log.read_bytes()


def test_the_command_line(
    guarded: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def listed(*options: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            run([*options, "collections", "list", "--server", guarded.address, "--json"])
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out + told.err

    code, told = listed()
    assert code == 1 and "credentials are needed" in told
    assert listed("--key", READER.key)[0] == 0
    (tmp_path / "key").write_text(f"{READER.key}\n")
    code, told = listed("--key-file", str(tmp_path / "key"))
    assert code == 0 and json.loads(told)[0]["name"] == PHOTOS
    monkeypatch.setenv("SCENOGRAPH_KEY", STRANGER.key)
    assert listed() == (0, "[]\n")
    with pytest.raises(SystemExit) as ended:
        run(["audit", "verify", str(guarded.audit)])
    assert not ended.value.code and "unbroken" in capsys.readouterr().out


def test_who_may_call_changes_without_a_restart(guarded: Guarded) -> None:
    path = guarded.audit.with_name("principals.toml")
    new = Caller("late", {PHOTOS: "reader"})
    with Client(guarded.address, key=new.key) as client:
        with pytest.raises(errors.Unauthenticated):
            client.list_collections()
        write_principals(path, (*CALLERS, new))

        def let_in(wanted: bool) -> bool:
            try:
                client.list_collections()
            except errors.Unauthenticated:
                return not wanted
            return wanted

        wait_until(lambda: let_in(True))
        good = path.read_text()
        path.write_text(good + "[[principal")
        wait_until(lambda: "stays in force" in guarded.process.log.read_text())
        assert let_in(True)
        write_principals(path)
        wait_until(lambda: let_in(False))


# One service by itself, which starts fast


def guarded_index(folder: Path, **settings: str) -> ServerProcess:
    """The index alone, on a folder of its own, with the same callers."""
    folder.mkdir(exist_ok=True)
    write_principals(folder / "principals.toml")
    common = {
        "SCENOGRAPH_SECURITY_PRINCIPALS": str(folder / "principals.toml"),
        "SCENOGRAPH_AUDIT_FILE": str(folder / "audit.jsonl"),
        "SCENOGRAPH_METRICS_ADDRESS": "127.0.0.1:0",
    }
    return ServerProcess(folder, "index", {**common, **settings})


def record(item_id: str) -> index_pb2.Record:
    entry = index_pb2.Entry(
        modality=common_pb2.MODALITY_TEXT,
        text=item_id,
        embedding=common_pb2.Embedding(values=[1.0] + [0.0] * 383),
        code=common_pb2.HashCode(bits=bytes(32), length=256),
    )
    return index_pb2.Record(id=item_id, entries=[entry], pack_version="test@1.0.0")


def upsert(channel: grpc.Channel, *ids: str) -> None:
    writes = [index_pb2.Write(record=record(one)) for one in ids]
    request = index_pb2.UpsertRequest(collection="codes", writes=writes)
    index.IndexServiceStub(channel).Upsert(request, metadata=WRITER.metadata, timeout=PATIENCE_S)


def create(channel: grpc.Channel) -> None:
    request = index_pb2.IndexServiceCreateCollectionRequest(name="codes", pack_version="test@1.0.0")
    index.IndexServiceStub(channel).CreateCollection(request, metadata=OWNER.metadata)


def test_the_record_outlives_kill_9(tmp_path: Path) -> None:
    """Every acknowledged write is in it, before the kill and after; the chain goes on."""
    process = guarded_index(tmp_path / "index")
    written: list[str] = []
    try:
        for life in range(2):
            process.start()
            with grpc.insecure_channel(process.address) as channel:
                if life == 0:
                    create(channel)
                for number in range(20):
                    written.append(f"{life}-{number}")
                    upsert(channel, written[-1])
                process.kill()
                process.stop()  # lets go of what is left of it
    finally:
        process.stop()
    with guarded_index(tmp_path / "index") as address, grpc.insecure_channel(address) as channel:
        got = index.IndexServiceStub(channel).Get(
            index_pb2.GetRequest(collection="codes", ids=written), metadata=READER.metadata
        )
        assert len(got.records) == len(written)
    found = verify(tmp_path / "index" / "audit.jsonl")
    assert found.problems == []
    lines = [json.loads(line) for line in (tmp_path / "index" / "audit.jsonl").read_text().splitlines()]
    writes = [one for one in lines if one["method"].endswith("Upsert")]
    assert [one["items"][0] for one in writes if one["event"] == "begin"] == written
    assert [one["code"] for one in writes if one["event"] == "end"] == ["OK"] * len(written)


def test_somebody_reads_it_all_out(tmp_path: Path) -> None:
    process = guarded_index(tmp_path / "index", SCENOGRAPH_ANOMALIES_READ_ITEMS="30")
    with process as address, grpc.insecure_channel(address) as channel:
        create(channel)
        upsert(channel, *(f"i{number}" for number in range(25)))
        stub = index.IndexServiceStub(channel)
        request = index_pb2.IndexServiceListItemsRequest(collection="codes", page_size=10)

        def alarms() -> float:
            return Scrape(process.metrics_address).sum("scenograph_anomalies_total", kind="bulk_export")

        for _ in range(2):
            stub.ListItems(request, metadata=READER.metadata)
        assert alarms() == 0
        stub.Get(index_pb2.GetRequest(collection="codes", ids=["i1", "i2", "no"]), metadata=READER.metadata)
        stub.ListItems(request, metadata=READER.metadata)
        assert alarms() == 1
        assert re.search(r"WARNING .*bulk_export: reader, 32 items read", process.log.read_text())
    raised = [one for one in audited(tmp_path / "index" / "audit.jsonl") if one["event"] == "anomaly"]
    assert [(one["kind"], one["who"]) for one in raised] == [("bulk_export", "reader")]


def test_reflection_can_be_switched_off(tmp_path: Path) -> None:
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
        ProtoReflectionDescriptorDatabase,
    )

    process = guarded_index(tmp_path / "index", SCENOGRAPH_SECURITY_REFLECTION="false")
    with process as address, grpc.insecure_channel(address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            ProtoReflectionDescriptorDatabase(channel).get_services()
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


# Several processes: the workers call the index for whoever calls them


@pytest.mark.pack
def test_several_processes(default_pack: Pack, tmp_path: Path) -> None:
    write_principals(tmp_path / "principals.toml")
    settings = {
        "SCENOGRAPH_PROCESSES": "2",
        "SCENOGRAPH_SECURITY_PRINCIPALS": str(tmp_path / "principals.toml"),
        "SCENOGRAPH_AUDIT_FILE": str(tmp_path / "audit.jsonl"),
    }
    with ServerProcess(tmp_path, settings=settings) as address:
        with Client(address, key=OWNER.key) as owner:
            owner.create_collection("items")
            assert all(status.ok for status in owner.ingest("items", [Item("a", None, ["a dog"])]))
        with Client(address, key=READER.key) as reader:
            assert reader.search("items", text="a puppy", returning="text").hits[0].id == "a"
            with pytest.raises(errors.PermissionDenied):
                reader.delete("items", ["a"])
        with Client(address, key=STRANGER.key) as stranger:
            assert stranger.list_collections() == []
            with pytest.raises(errors.PermissionDenied):
                stranger.get("items", "a")
        with Client(address) as nobody, pytest.raises(errors.Unauthenticated):
            nobody.list_collections()
    files = sorted(path.name for path in tmp_path.glob("audit*.jsonl"))
    assert files == ["audit-index.jsonl", "audit-worker-1.jsonl", "audit-worker-2.jsonl"]
    lines = {name: audited(tmp_path / name) for name in files}
    written = [one for one in lines["audit-index.jsonl"] if one["method"].endswith("IndexService/Upsert")]
    assert {(one["principal"], one["by"]) for one in written} == {(OWNER.name, "service")}
    refused = [one["code"] for name in files[1:] for one in lines[name] if one["event"] == "refused"]
    assert sorted(refused) == ["PERMISSION_DENIED", "PERMISSION_DENIED", "UNAUTHENTICATED"]
