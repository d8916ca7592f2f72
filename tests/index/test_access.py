"""Items behind access labels are not there for who holds none of them: not among hits, in counts, on pages,
by id. A slow and obvious index in Python says what each caller is to see.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.index.make import all_ids, opened, put, query, record

from scenograph.index.app import IndexApp
from scenograph.runtime.contracts import IndexQuery, Modality, Record, Write
from scenograph.runtime.principal import ANY_COLLECTION, Principal, Role, acting_as
from scenograph.runtime.vault import Vault
from scenograph.scene.errors import InvalidInput, InvalidPageToken, PermissionDenied

LABELS = ("a", "b", "c")
IDS = [f"item{number}" for number in range(8)]
FILTER = "place < 3"

labels = st.frozensets(st.sampled_from(LABELS), max_size=3)
holders = st.one_of(st.none(), labels)


def holder(held: frozenset[str] | None) -> Principal:
    return Principal("somebody", {ANY_COLLECTION: Role.WRITER}, labels=held)


def sees(held: frozenset[str] | None, one: Record) -> bool:
    """The rule, as the documentation says it."""
    return held is None or not one.access_labels or any(label in held for label in one.access_labels)


def made(item: str, seed: int, given_labels: frozenset[str]) -> Record:
    made_record = record(item, seed, texts=seed % 3, metadata={"place": seed % 5})
    return replace(made_record, access_labels=tuple(sorted(given_labels)))


@dataclass
class Obvious:
    """All items in a dictionary, in the order of their first writing."""

    items: dict[str, Record] = field(default_factory=dict)

    def put(self, held: frozenset[str] | None, one: Record) -> bool:
        """Whether it may be written; it is then."""
        old = self.items.get(one.id)
        allowed = held is None or set(one.access_labels) <= held
        if not allowed or (old is not None and not sees(held, old)):
            return False
        self.items[one.id] = one
        return True

    def delete(self, held: frozenset[str] | None, ids: list[str]) -> list[str]:
        """Those that are not there."""
        there = [item for item in ids if item in self.items and sees(held, self.items[item])]
        for item in there:
            del self.items[item]
        return [item for item in ids if item not in there]

    def visible(self, held: frozenset[str] | None) -> list[Record]:
        return [one for one in self.items.values() if sees(held, one)]

    def found(self, held: frozenset[str] | None, asked: IndexQuery) -> tuple[list[tuple[str, int, int]], int]:
        """The hits by distance, and how many entries were considered."""
        entries = [
            (int(np.unpackbits(entry.code ^ asked.code).sum()), one.id, int(entry.modality), entry.ordinal)
            for one in self.visible(held)
            for entry in one.entries
            if entry.code is not None
            and asked.modality in (Modality.UNSPECIFIED, entry.modality)
            and (not asked.filter or one.metadata["place"] < 3)  # type: ignore[operator]
        ]
        keep = sorted(entries)[: asked.coarse_candidates]
        return [(item, modality, ordinal) for _, item, modality, ordinal in keep], len(entries)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


async def check(app: IndexApp, obvious: Obvious, held: frozenset[str] | None) -> None:
    """Everything that one caller can ask."""
    visible = obvious.visible(held)
    entries = sum(len(one.entries) for one in visible)
    with acting_as(holder(held)):
        described = await app.get_collection("photos")
        assert (described.items, described.entries) == (len(visible), entries)
        assert await app.list_collections() == ([described], "")
        assert await all_ids(app, page_size=2) == [one.id for one in visible]
        small = [one.id for one in visible if one.metadata["place"] < 3]  # type: ignore[operator]
        assert await all_ids(app, page_size=1, filter=FILTER) == small
        records, missing = await app.get("photos", IDS)
        assert {one.id: one.access_labels for one in records} == {
            one.id: one.access_labels for one in visible
        }
        assert set(missing) == set(IDS) - {one.id for one in visible}
        for asked in (
            query(1),
            query(2, coarse_candidates=3),
            query(3, modality=Modality.TEXT),
            query(4, filter=FILTER, with_graphs=5),
            query(5, filter=FILTER, modality=Modality.IMAGE, exact=True),
        ):
            answer = await app.search("photos", asked)
            hits = [(hit.item_id, int(hit.modality), hit.ordinal) for hit in answer.hits]
            assert (hits, answer.considered) == obvious.found(held, asked)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(IDS), st.integers(0, 50), labels, holders),
        st.tuples(
            st.just("delete"), st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True), holders
        ),
        st.tuples(st.just("check"), holders),
    ),
    min_size=3,
    max_size=14,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps, last=st.lists(holders, min_size=2, max_size=3), key=st.booleans())
async def test_nobody_sees_more_than_is_there_for_them(
    steps: list[tuple[object, ...]], last: list[frozenset[str] | None], key: bool
) -> None:
    """Also while items come, change their labels and go, after a restart, and in an encrypted index."""
    obvious, vault = Obvious(), Vault([bytes(32)]) if key else None
    with folder() as path:
        app = IndexApp(path, vault=vault)
        await app.start()
        await app.create_collection("photos", "default@1", 64)
        try:
            for step in steps:
                match step:
                    case "put", str(item), int(seed), frozenset() as new, held:
                        one = made(item, seed, new)
                        with acting_as(holder(held)):  # type: ignore[arg-type]
                            (error,) = (await app.upsert("photos", [Write(one)])).errors
                        assert isinstance(error, PermissionDenied | None)
                        assert obvious.put(held, one) == (error is None)  # type: ignore[arg-type]
                    case "delete", list(ids), held:
                        with acting_as(holder(held)):  # type: ignore[arg-type]
                            assert (await app.delete("photos", ids)).missing == obvious.delete(held, ids)  # type: ignore[arg-type]
                    case "check", held:
                        await check(app, obvious, held)  # type: ignore[arg-type]
            for held in last:
                await check(app, obvious, held)
        finally:
            await app.close()
        async with opened(path, vault=vault) as again:
            for held in last:
                await check(again, obvious, held)


async def test_a_page_token_is_for_the_same_eyes(tmp_path: Path) -> None:
    async with opened(tmp_path, collections=["photos"]) as app:
        await put(app, *(made(f"i{number}", number, frozenset()) for number in range(4)))
        with acting_as(holder(frozenset({"a"}))):
            _, token = await app.list_items("photos", page_size=1)
            await app.list_items("photos", page_size=1, page_token=token)
        for other in (None, frozenset(), frozenset({"a", "b"}), frozenset({"b"})):
            with acting_as(holder(other)), pytest.raises(InvalidPageToken):
                await app.list_items("photos", page_size=1, page_token=token)


async def test_a_page_token_tells_no_counts(tmp_path: Path) -> None:
    """Where a list goes on is a number that counts hidden items too: it is not to be read."""
    async with opened(tmp_path, collections=["photos"]) as app:
        await put(app, *(made(f"i{number}", 0, frozenset({"a"})) for number in range(5)))
        await put(app, *(made(f"o{number}", 0, frozenset()) for number in range(2)))
        with acting_as(holder(frozenset())):
            _, token = await app.list_items("photos", page_size=1)
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        assert b"items" not in raw and b"photos" not in raw


async def test_who_stores_gives_labels_that_they_hold(tmp_path: Path) -> None:
    async with opened(tmp_path, collections=["photos"]) as app:
        with acting_as(holder(frozenset({"a"}))):
            writes = [
                Write(made(f"i{n}", n, given)) for n, given in enumerate(map(frozenset, ("", "a", "b", "ab")))
            ]
            errors = (await app.upsert("photos", writes)).errors
            assert [type(error) for error in errors] == [
                type(None),
                type(None),
                PermissionDenied,
                PermissionDenied,
            ]
        for wrong in (("",), ("x" * 65,), ("a\nb",), tuple(f"l{n}" for n in range(33))):
            one = replace(record("x"), access_labels=wrong)
            (error,) = (await app.upsert("photos", [Write(one)])).errors
            assert isinstance(error, InvalidInput)


async def test_a_repetition_by_who_does_not_see_the_item_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, collections=["photos"]) as app:
        write = Write(made("x", 1, frozenset({"a"})), "request", b"digest")
        assert (await app.upsert("photos", [write])).replayed == [False]
        assert (await app.upsert("photos", [write])).replayed == [True]
        with acting_as(holder(frozenset({"b"}))):
            result = await app.upsert("photos", [replace(write, record=made("x", 1, frozenset({"b"})))])
        assert isinstance(result.errors[0], PermissionDenied) and result.replayed == [False]


async def test_labels_go_along(tmp_path: Path) -> None:
    """To a snapshot and back, into the file made for another pack, and through compaction."""
    team = frozenset({"a"})
    async with opened(tmp_path, collections=["photos"]) as app:
        await put(app, made("x", 1, team), made("y", 2, frozenset()))
        await app.create_snapshot("photos", "s")
        second = await app.second("photos", "default@2")
        places, _ = await second.to_do()
        sources = await second.read(places)
        assert [one.access_labels for one in sources] == [("a",), ()]
        anew = [
            (
                one,
                replace(
                    record(one.id, 3, texts=len(one.texts), pack="default@2"), access_labels=one.access_labels
                ),
            )
            for one in sources
        ]
        await second.store(anew)
        await second.stop_writes()
        await second.switch()
        await second.close()
        for _ in range(2):
            with acting_as(holder(frozenset())):
                assert (await app.get_collection("photos")).items == 1
                assert await all_ids(app) == ["y"]
            with acting_as(holder(team)):
                assert await all_ids(app) == ["x", "y"]
            await app.restore_snapshot("s")
        for round in range(3):  # as many holes as call for a new table
            await put(app, *(made(f"z{number}", round, team) for number in range(700)))
        with acting_as(holder(frozenset())):
            assert await all_ids(app) == ["y"]
            assert (await app.search("photos", query(1))).considered == 3
