"""An encrypted index answers as a plain one does; without the key its files say nothing, and take no
change.
"""

from __future__ import annotations

import asyncio
import hashlib
import signal
import sqlite3
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.index.make import all_ids, entry, opened, put, query, record, same

from scenograph.index import record_sums
from scenograph.index.app import IndexApp
from scenograph.index.rekeying import rekey
from scenograph.runtime.contracts import IndexHit, Modality, Record, Write
from scenograph.runtime.vault import Vault
from scenograph.scene.errors import FailedPrecondition, IndexCorrupt, RequestIdReused, WrongKey

NAMES = ["a", "b", "c"]
FIRST, SECOND = bytes(range(32)), bytes(range(100, 132))
SECRETS = {
    "id": "anna-at-the-beach",
    "text": "anna and her dog at the beach",
    "metadata": "met-at-anna-birthday",
    "label": "family-of-anna",
    "graph": "thing4200",
    "image": "GPSLatitude 52.5200",
    "request": "request-of-anna",
}


def secret_write() -> Write:
    one = Record(
        SECRETS["id"],
        (entry(4200), entry(4201, Modality.TEXT, 0, SECRETS["text"])),
        "default@1",
        {"note": SECRETS["metadata"]},
        access_labels=(SECRETS["label"],),
    )
    content = hashlib.sha256(b"content of anna").digest()
    return Write(one, SECRETS["request"], content, SECRETS["image"].encode() * 20)


def told(folder: Path) -> set[str]:
    """Which secrets the raw files of the folder tell, embeddings and codes among them."""
    write = secret_write()
    wanted = {name: text.encode() for name, text in SECRETS.items()}
    wanted["digest"] = write.content_digest
    for part in write.record.entries:
        assert part.embedding is not None and part.code is not None
        wanted |= {"embedding": part.embedding.tobytes(), "code": part.code.tobytes()}
    contents = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return {name for name, needle in wanted.items() if any(needle in content for content in contents)}


def digests(folder: Path) -> dict[str, str]:
    """What every file holds, the lock apart."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != "-shm"
    }


async def filled(folder: Path, vault: Vault | None, *, second: bool = True) -> None:
    """An index with a secret, a snapshot, and a file that was being made for another pack."""
    async with opened(folder, collections=["photos"], vault=vault) as app:
        result = await app.upsert("photos", [secret_write(), Write(record("other", 2))])
        assert result.errors == [None, None]
        await app.create_snapshot("photos", "kept")
        if second:
            making = await app.second("photos", "default@2")
            (source, *_) = await making.read((await making.to_do())[0])
            assert source.texts == (SECRETS["text"],) and source.image
            await making.store([(source, replace(secret_write().record, pack_version="default@2"))])
            await making.close()


async def test_the_files_tell_nothing(tmp_path: Path) -> None:
    """The same index without a key tells everything, so what is looked for would be found."""
    await filled(tmp_path / "plain", None)
    assert told(tmp_path / "plain") == {*SECRETS, "digest", "embedding", "code"}
    await filled(tmp_path / "sealed", Vault([FIRST]))
    assert told(tmp_path / "sealed") == set()


async def test_nor_do_they_while_it_runs(tmp_path: Path) -> None:
    """The write-ahead log is among them, and what upkeep and compaction would write."""
    async with opened(tmp_path, collections=["photos"], vault=Vault([FIRST])) as app:
        await app.upsert("photos", [secret_write()])
        for round in range(3):
            await put(app, *(record(f"i{number}", round, texts=0) for number in range(1000)))
        await app.search("photos", query(1, filter=f'note = "{SECRETS["metadata"]}"'))
        assert told(tmp_path) == set()


async def test_it_answers_as_a_plain_one(tmp_path: Path) -> None:
    async with (
        opened(tmp_path / "plain", collections=["photos"]) as plain,
        opened(tmp_path / "sealed", collections=["photos"], vault=Vault([FIRST])) as sealed,
    ):
        for app in (plain, sealed):
            ones = [record(f"i{n}", n, texts=n % 3, metadata={"n": n}) for n in range(40)]
            await put(app, *ones)
            await put(app, *(record(f"i{n}", n + 100, metadata={"n": n}) for n in range(5, 15)))
            await app.delete("photos", ["i3", "i8"])
        await compared(plain, sealed)
        write = secret_write()
        for app in (plain, sealed):
            assert (await app.upsert("photos", [write])).replayed == [False]
            assert (await app.upsert("photos", [write])).replayed == [True]
            (error,) = (await app.upsert("photos", [replace(write, content_digest=b"x")])).errors
            assert isinstance(error, RequestIdReused)
            assert await app.images_not_kept("photos") == 38
        described = [await app.get_collection("photos") for app in (plain, sealed)]
    async with (
        opened(tmp_path / "plain") as plain,
        opened(tmp_path / "sealed", vault=Vault([FIRST])) as sealed,
    ):
        assert described[1].items == (await sealed.get_collection("photos")).items
        await compared(plain, sealed)


async def compared(plain: IndexApp, sealed: IndexApp) -> None:
    ids = await all_ids(plain)
    assert ids == await all_ids(sealed)
    for brief in (True, False):
        left, right = [(await app.get("photos", ids, brief=brief))[0] for app in (plain, sealed)]
        assert all(map(same, left, right)) and len(left) == len(right) == len(ids)
    for asked in (query(1, with_graphs=9), query(2, filter="n < 9"), query(3, modality=Modality.TEXT)):
        left_hits, right_hits = [(await app.search("photos", asked)).hits for app in (plain, sealed)]
        assert list(map(plainly, left_hits)) == list(map(plainly, right_hits)) and left_hits


def plainly(hit: IndexHit) -> object:
    return hit.item_id, hit.ordinal, hit.hamming, hit.text, hit.graph


@pytest.mark.parametrize("vault", [None, Vault([SECOND])])
async def test_another_key_is_refused_and_changes_nothing(tmp_path: Path, vault: Vault | None) -> None:
    await filled(tmp_path, Vault([FIRST]))
    before = digests(tmp_path)
    with pytest.raises(WrongKey, match="photos"):
        async with opened(tmp_path, vault=vault):
            pass
    assert digests(tmp_path) == before
    async with opened(tmp_path, vault=Vault([FIRST])) as app:
        assert await all_ids(app) == [SECRETS["id"], "other"]


async def test_a_key_for_what_is_not_encrypted_is_refused(tmp_path: Path) -> None:
    await filled(tmp_path, None)
    with pytest.raises(WrongKey, match="rekey --records"):
        async with opened(tmp_path, vault=Vault([FIRST])):
            pass
    async with opened(tmp_path) as app:
        assert await all_ids(app) == [SECRETS["id"], "other"]


async def test_a_new_key_takes_over_at_a_start(tmp_path: Path) -> None:
    """Snapshots and what is being made anew included: the old one is not needed any more."""
    await filled(tmp_path, Vault([FIRST]))
    async with opened(tmp_path, vault=Vault([SECOND, FIRST])):
        pass
    with pytest.raises(WrongKey):
        async with opened(tmp_path, vault=Vault([FIRST])):
            pass
    async with opened(tmp_path, vault=Vault([SECOND])) as app:
        assert await all_ids(app) == [SECRETS["id"], "other"]
        assert (await app.unfinished())[0].done == 1
        await app.restore_snapshot("kept", "again")
        assert await all_ids(app, "again") == [SECRETS["id"], "other"]
        second = await app.second("photos", "default@2")
        assert len((await second.to_do())[0]) == 1
        await second.discard()


@pytest.mark.parametrize("before", [None, Vault([FIRST])])
async def test_records_are_encrypted_anew_on_request(tmp_path: Path, before: Vault | None) -> None:
    """Those that were not encrypted too, in snapshots too."""
    await filled(tmp_path, before)
    rewritten = Vault([SECOND, FIRST])
    assert rekey(tmp_path, rewritten, records=True, progress=lambda what: None) == 2
    assert told(tmp_path) == set()
    async with opened(tmp_path, vault=Vault([SECOND])) as app:
        found, _ = await app.get("photos", [SECRETS["id"], "other"])
        assert same(found[0], secret_write().record) and same(found[1], record("other", 2))
        assert found[0].access_labels == (SECRETS["label"],)
        assert await app.unfinished() == []
        second = await app.second("photos", "default@2")
        assert (await second.read([1]))[0].image == secret_write().original
        await second.discard()
        await app.restore_snapshot("kept")
        assert await all_ids(app) == [SECRETS["id"], "other"]


async def test_a_plain_snapshot_is_encrypted_when_it_is_restored(tmp_path: Path) -> None:
    await filled(tmp_path, None, second=False)
    async with opened(tmp_path) as app:
        await app.delete_collection("photos")
    async with opened(tmp_path, vault=Vault([FIRST])) as app:
        await app.restore_snapshot("kept")
        assert await all_ids(app) == [SECRETS["id"], "other"]
    assert told(tmp_path / "collections") == set()


async def test_a_key_is_refused_while_a_server_has_the_folder(tmp_path: Path) -> None:
    async with opened(tmp_path, collections=["photos"], vault=Vault([FIRST])):
        with pytest.raises(FailedPrecondition, match="open"):
            rekey(tmp_path, Vault([SECOND, FIRST]), records=False, progress=lambda what: None)


@pytest.mark.parametrize("lines", [0, 1, 2, 3])
async def test_a_rekeying_killed_at_any_moment_loses_nothing(tmp_path: Path, lines: int) -> None:
    """`kill -9` after so many collections were begun; done again, it ends."""
    folder = tmp_path / "index"
    await three(folder)
    keys = tmp_path / "keys"
    keys.write_text(f"{b64encode(SECOND).decode()}\n{b64encode(FIRST).decode()}  # the old one\n")
    command = ["-m", "scenograph.cli", "index", "rekey", "--data", str(tmp_path)]
    await asyncio.to_thread(killed, [*command, "--key-file", str(keys), "--records"], lines)
    rekey(folder, Vault([SECOND, FIRST]), records=True, progress=lambda what: None)
    await whole(folder)


@pytest.mark.parametrize("key", [1, 3, 5])
async def test_a_new_key_that_does_not_come_to_its_end_can_go_on(tmp_path: Path, key: int) -> None:
    """`kill -9` within the change of one file: some data keys are the new master key's, others the old
    one's.
    """
    await three(tmp_path)
    command = ["-m", "tests.index.rekey_crash", str(tmp_path), str(key), SECOND.hex(), FIRST.hex()]
    await asyncio.to_thread(killed, command, 0, wait=True)
    for one in (FIRST, SECOND) if key > 1 else (SECOND,):
        with pytest.raises(WrongKey):
            async with opened(tmp_path, vault=Vault([one])):
                pass
    async with opened(tmp_path, vault=Vault([SECOND, FIRST])):
        pass
    await whole(tmp_path)


async def three(folder: Path) -> None:
    """Collections with a snapshot each."""
    async with opened(folder, collections=NAMES, vault=Vault([FIRST])) as app:
        for name in NAMES:
            await put(app, *(record(f"{name}{n}", n, texts=0) for n in range(60)), collection=name)
            await app.create_snapshot(name, f"of-{name}")


async def whole(folder: Path) -> None:
    """They are all there, by the new key alone."""
    async with opened(folder, vault=Vault([SECOND])) as app:
        for name in NAMES:
            assert await all_ids(app, name) == [f"{name}{n}" for n in range(60)]
            await app.restore_snapshot(f"of-{name}")
            found, _ = await app.get(name, [f"{name}7"])
            assert same(found[0], record(f"{name}7", 7, texts=0))


def killed(command: list[str], lines: int, *, wait: bool = False) -> None:
    """Runs Python, and kills it after so many lines of progress, or waits until it has killed itself."""
    process = subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for _ in range(lines):
        assert process.stderr.readline().startswith("encrypting")
    if not wait:
        process.kill()
    errors = process.stderr.read()
    assert process.wait() == -signal.SIGKILL, errors
    process.stderr.close()


Damage = Callable[[sqlite3.Connection], object]
SWAPS: dict[str, Damage] = {
    "entries": lambda file: file.execute(
        "UPDATE entries SET embedding = (SELECT embedding FROM entries WHERE entry = 3) WHERE entry = 1"
    ),
    "items": lambda file: file.execute(
        "UPDATE items SET metadata = (SELECT metadata FROM items WHERE sequence = 2) WHERE sequence = 1"
    ),
    "graphs": lambda file: file.execute(
        "UPDATE graphs SET graph = (SELECT graph FROM graphs WHERE entry = 3) WHERE entry = 1"
    ),
    "a graph for an entry": lambda file: file.execute(
        "UPDATE entries SET embedding = (SELECT graph FROM graphs WHERE entry = 1) WHERE entry = 1"
    ),
    "another bit": lambda file: file.execute(
        "UPDATE graphs SET graph = CAST(substr(graph, 1, 20) || x'00' || substr(graph, 22) AS BLOB)"
    ),
}


def with_sums_made_anew(connection: sqlite3.Connection) -> None:
    """As whoever changes a record on purpose would; only bit rot forgets it."""
    record_sums.enable(connection)
    connection.commit()
    connection.executescript("DELETE FROM entry_sums; DELETE FROM item_sums;")
    record_sums.make(connection)


@pytest.mark.parametrize("swap", SWAPS)
async def test_what_is_moved_or_changed_is_refused(tmp_path: Path, swap: str) -> None:
    """Whoever can write the file cannot make one record say what another does."""
    vault = Vault([FIRST])
    async with opened(tmp_path, collections=["photos"], vault=vault) as app:
        await put(app, record("a", 1), record("b", 2))
    (path,) = (tmp_path / "collections" / "photos").glob("*.sqlite")
    with closing(sqlite3.connect(path)) as connection, connection:
        SWAPS[swap](connection)
        with_sums_made_anew(connection)
    async with opened(tmp_path, vault=vault) as app:
        with pytest.raises(IndexCorrupt, match="changed or moved"):
            await app.get("photos", ["a"])


async def test_a_record_of_another_collection_is_refused(tmp_path: Path) -> None:
    """Of the file made for another pack too, which has the same data key."""
    vault = Vault([FIRST])
    async with opened(tmp_path, collections=["photos", "others"], vault=vault) as app:
        for name in ("photos", "others"):
            await put(app, record("a", 1), collection=name)
        second = await app.second("photos", "default@2")
        (source,) = await second.read([1])
        await second.store([(source, record("a", 1, pack="default@2"))])
        await second.close()
    (other,) = (tmp_path / "collections" / "others").glob("*.sqlite")
    serving, making = sorted((tmp_path / "collections" / "photos").glob("*.sqlite"))
    for source_path in (other, making):
        with closing(sqlite3.connect(serving)) as connection, connection:
            connection.execute("ATTACH ? AS other", (str(source_path),))
            connection.execute("UPDATE graphs SET graph = (SELECT graph FROM other.graphs WHERE entry = 1)")
            with_sums_made_anew(connection)
        async with opened(tmp_path, vault=vault) as app:
            with pytest.raises(IndexCorrupt, match="changed or moved"):
                await app.get("photos", ["a"])
