"""Packs loaded, switched, rolled back and unloaded on a server that serves; collections re-encoded on it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from scenograph.bench.picture import drawn_picture
from scenograph.cli.app import run
from scenograph.cli.server_process import ServerProcess
from scenograph.client import Client, Item
from scenograph.client.errors import PackCorrupt, PackInUse, PackMismatch, PackNotFound, PackNotLoaded
from scenograph.packs import Pack
from tests.packs.versions import break_file, linked_version

TEXTS = [Item(f"t{n}", None, [f"a brown dog and {n} sheep on a hill"]) for n in range(8)]


@dataclass(frozen=True)
class Rollout:
    """A server that began with the pack `old`, and may load others."""

    process: ServerProcess
    old: str
    new: str
    broken: str

    def restart(self, pack: str) -> None:
        """Kill it, as a power cut would, and start it with a pack."""
        self.process.kill()
        self.process.stop()
        self.process._environment["SCENOGRAPH_PACK"] = pack
        self.process.start()


@pytest.fixture(scope="module")
def rollout(default_pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rollout]:
    packs = tmp_path_factory.mktemp("packs")
    old, new, broken = (linked_version(default_pack, packs, f"{major}.0.0") for major in (1, 2, 3))
    break_file(broken, "hash_head.onnx")
    settings = {"SCENOGRAPH_PACKS": str(packs), "SCENOGRAPH_PACK": old.id}
    process = ServerProcess(tmp_path_factory.mktemp("server"), settings=settings)
    with process:
        yield Rollout(process, old.id, new.id, broken.id)


@pytest.fixture
def client(rollout: Rollout) -> Iterator[Client]:
    with Client(rollout.process.address) as client:
        yield client
        client.set_default_pack(rollout.old)


def fill(client: Client, collection: str, items: list[Item] = TEXTS) -> None:
    client.create_collection(collection)
    assert [status.error for status in client.ingest(collection, items) if not status.ok] == []


@contextmanager
def asked_all_the_time(client: Client, collection: str) -> Iterator[list[Exception]]:
    """Meanwhile a thread searches and ranks; what went wrong, if anything."""
    failures: list[Exception] = []
    over = threading.Event()

    def ask() -> None:
        number = 0
        while not over.is_set():
            number += 1
            try:
                assert client.search(
                    collection, text=f"{number} dogs", returning="text", bypass_cache=True
                ).hits
                assert client.rank(text=f"{number} cats", texts=["a cat", "a car"]).hits
            except Exception as error:
                failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield failures
    finally:
        over.set()
        thread.join()


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def test_load_switch_and_roll_back_under_load(rollout: Rollout, client: Client) -> None:
    fill(client, "before")
    with asked_all_the_time(client, "before") as failures:
        loaded = client.load_pack(rollout.new)
        assert (loaded.state, loaded.is_default, loaded.collections) == ("READY", False, ())
        assert client.server_info().pack_version == rollout.old
        assert client.set_default_pack(rollout.new) == rollout.old
        assert client.server_info().pack_version == rollout.new
        assert client.rank(text="a cat", texts=["a dog"]).report.pack_version == rollout.new
        fill(client, "after")
        assert client.search("before", text="a dog").report.pack_version == rollout.old
        assert client.search("after", text="a dog").report.pack_version == rollout.new
        assert client.set_default_pack("default@1.0.0") == rollout.new
        assert client.rank(text="a cat", texts=["a dog"]).report.pack_version == rollout.old
        assert client.search("after", text="a dog").report.pack_version == rollout.new
    assert failures == []
    packs = {pack.pack: (pack.is_default, pack.collections) for pack in client.list_packs()}
    assert packs == {rollout.old: (True, ("before",)), rollout.new: (False, ("after",))}
    assert client.health("scenograph.v1.AdminService") == "SERVING"


def test_a_pack_in_use_is_not_unloaded_unless_by_force(rollout: Rollout, client: Client) -> None:
    client.load_pack(rollout.new)
    client.set_default_pack(rollout.new)
    fill(client, "held")
    with pytest.raises(PackInUse, match="default"):
        client.unload_pack(rollout.new)
    client.set_default_pack(rollout.old)
    with pytest.raises(PackInUse, match="held"):
        client.unload_pack(rollout.new)
    client.unload_pack(rollout.new, force=True)
    with pytest.raises(PackMismatch, match=rollout.new):
        client.search("held", text="a dog")
    with pytest.raises(PackNotLoaded):
        client.set_default_pack(rollout.new)
    client.load_pack(rollout.new)
    assert client.search("held", text="a dog", returning="text").hits
    client.delete_collection("held")


def test_a_corrupt_pack_is_refused_and_the_old_one_serves(rollout: Rollout, client: Client) -> None:
    fill(client, "sound")
    with pytest.raises(PackCorrupt, match="hash_head"):
        client.load_pack(rollout.broken)
    found = {pack.pack: pack for pack in client.list_packs()}
    failed = found[rollout.broken]
    assert failed.state == "FAILED" and isinstance(failed.error, PackCorrupt)
    assert found[rollout.old].is_default and client.search("sound", text="a dog", returning="text").hits
    with pytest.raises(PackNotLoaded):
        client.set_default_pack(rollout.broken)
    client.unload_pack(rollout.broken)
    assert rollout.broken not in {pack.pack for pack in client.list_packs()}
    with pytest.raises(PackNotFound):
        client.load_pack("default@9.9.9")


def test_reencode_while_others_write(rollout: Rollout, client: Client) -> None:
    photos = [Item(f"p{n}", drawn_picture(n), [f"drawing {n}"], request_id=f"r{n}") for n in range(4)]
    fill(client, "mixed", photos + TEXTS)
    first = client.get("mixed", "p1")
    client.load_pack(rollout.new)
    written = 0
    with asked_all_the_time(client, "mixed") as failures:
        began = client.reencode_collection("mixed", rollout.new)
        assert (began.state, began.total) == ("RUNNING", 12)
        with pytest.raises(PackInUse, match="re-encoded"):
            client.unload_pack(rollout.new)
        assert client.delete("mixed", ["t3"]).deleted == 1
        while client.get_reencoding("mixed").state == "RUNNING":
            (status,) = client.batch_ingest("mixed", [Item(f"w{written}", None, ["two men on a horse"])])
            assert status.error is None
            written += 1
    assert failures == []
    ended = client.get_reencoding("mixed")
    assert (ended.state, ended.error) == ("DONE", None) and ended.end_time is not None
    assert [each.collection for each in client.list_reencodings()] == ["mixed"]
    (collection,) = (each for each in client.list_collections() if each.name == "mixed")
    assert (collection.pack_version, collection.items) == (rollout.new, 11 + written)
    again = client.get("mixed", "p1")
    assert (again.create_time, again.texts, str(again.image_graph)) == (
        first.create_time,
        first.texts,
        str(first.image_graph),
    )
    assert [status.replayed for status in client.ingest("mixed", photos)] == [True] * 4
    assert client.search("mixed", item_id="p1", limit=1).hits[0].id == "p1"


def test_a_kill_while_reencoding_leaves_the_collection_as_it_was(rollout: Rollout) -> None:
    photos = [Item(f"p{n}", drawn_picture(n), [f"drawing {n}"]) for n in range(14)]
    with Client(rollout.process.address) as client:
        fill(client, "cut", photos)
        client.load_pack(rollout.new)
        client.reencode_collection("cut", rollout.new)
        wait_for(lambda: client.get_reencoding("cut").done > 0)
        assert client.get_reencoding("cut").state == "RUNNING"
    rollout.restart(rollout.new)  # which loads the old one too, for its collections
    with Client(rollout.process.address) as client:
        found = client.get_reencoding("cut")
        assert (found.state, found.pack, found.total) == ("INTERRUPTED", rollout.new, 14)
        assert client.search("cut", text="a drawing").report.pack_version == rollout.old
        assert len([item for page in client.list_items("cut") for item in page]) == 14
        client.reencode_collection("cut", rollout.new)
        wait_for(lambda: client.get_reencoding("cut").state != "RUNNING")
        assert client.get_reencoding("cut").state == "DONE"
        page = client.search("cut", text="a drawing", limit=20)
        assert page.report.pack_version == rollout.new and len(page) == 14
    rollout.restart(rollout.old)


def test_the_commands_of_the_guide(
    rollout: Rollout, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            run([*arguments, "--server", rollout.process.address])
        assert not ended.value.code
        return capsys.readouterr().out

    fill(client, "guide")
    assert command("packs", "load", rollout.new) == f"{rollout.new} is loaded\n"
    assert f"{rollout.new} is the default, {rollout.old} was" in command("packs", "default", rollout.new)
    told = command("collections", "reencode", "guide", "--pack", rollout.new)
    assert told == f"guide to {rollout.new}: done, 8 of 8 items\n"
    listed = json.loads(command("packs", "list", "--json"))
    assert {each["pack"] for each in listed if "guide" in each["collections"]} == {rollout.new}
    assert "done" in command("collections", "reencodings")
    assert f"{rollout.old} is the default" in command("packs", "default", rollout.old)
    assert "is unloaded" in command("packs", "unload", rollout.new, "--force")
