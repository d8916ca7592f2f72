"""Pages of a list: in the order of first writing, nothing twice, nothing that stays left out, whatever goes
on.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.index.make import BITS, PACK, all_ids, opened, put, record

from scenograph.index.app import IndexApp
from scenograph.scene.errors import InvalidFilter, InvalidPageToken, PageTokenExpired


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[IndexApp]:
    async with opened(tmp_path, collections=["photos"]) as index:
        yield index


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10, 1000, 100_000])
async def test_pages_join_to_the_whole_in_order_of_first_writing(app: IndexApp, size: int) -> None:
    names = ["m", "b", "z", "a", "k", "c", "y"]
    for number, name in enumerate(names):
        await put(app, record(name, number, metadata={"n": number}))
    await put(app, record("b", 9, metadata={"n": 9}))
    assert await all_ids(app, page_size=size) == names
    assert await all_ids(app, page_size=size, filter="n > 2") == ["b", "a", "k", "c", "y"]


async def test_an_empty_list_is_one_page(app: IndexApp) -> None:
    assert await app.list_items("photos") == ([], "")
    await put(app, record("a"))
    assert await app.list_items("photos", filter="x = 1") == ([], "")


async def test_a_list_holds_what_was_there_at_its_first_page(app: IndexApp) -> None:
    await put(app, *(record(f"i{n}", n) for n in range(4)))
    page, token = await app.list_items("photos", page_size=2)
    await app.delete("photos", ["i0", "i2"])
    await put(app, record("i0", 9), record("new", 8), record("i3", 7, metadata={"x": 1}))
    rest, end = await app.list_items("photos", page_size=2, page_token=token)
    assert [one.id for one in page] == ["i0", "i1"]
    assert [one.id for one in rest] == ["i3"] and rest[0].metadata == {"x": 1}
    assert end == ""
    assert await all_ids(app) == ["i1", "i3", "i0", "new"]


async def test_tokens_outlive_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path, collections=["photos"]) as app:
        await put(app, *(record(f"i{n}", n) for n in range(4)))
        _, token = await app.list_items("photos", page_size=3)
    async with opened(tmp_path) as app:
        rest, _ = await app.list_items("photos", page_size=3, page_token=token)
        assert [one.id for one in rest] == ["i3"]


async def test_other_tokens_are_refused(app: IndexApp, tmp_path: Path) -> None:
    await app.create_collection("other", PACK, BITS)
    for name in ("photos", "other"):
        await put(app, *(record(f"i{n}", n) for n in range(4)), collection=name)
    _, token = await app.list_items("photos", page_size=2)
    _, filtered = await app.list_items("photos", page_size=2, filter="NOT x = 1")
    _, others = await app.list_items("other", page_size=2)
    _, names = await app.list_collections(1)
    async with opened(tmp_path / "elsewhere", collections=["photos"]) as elsewhere:
        await put(elsewhere, *(record(f"i{n}", n) for n in range(4)))
        _, foreign = await elsewhere.list_items("photos", page_size=2)
    for wrong in (filtered, others, names, foreign, token[:-1], token + "A", "x", "é", "=", "A" * 1000):
        with pytest.raises(InvalidPageToken) as caught:
            await app.list_items("photos", page_size=2, page_token=wrong)
        assert caught.value.violations[0].field == "page_token"
    with pytest.raises(InvalidPageToken):
        await app.list_items("photos", page_size=2, page_token=token, filter="NOT x = 1")
    with pytest.raises(InvalidPageToken):
        await app.list_collections(1, token)
    with pytest.raises(InvalidFilter):
        await app.list_items("photos", filter="x =")


async def test_a_token_altered_in_any_bit_is_refused(app: IndexApp) -> None:
    await put(app, *(record(f"i{n}", n) for n in range(4)))
    _, token = await app.list_items("photos", page_size=2)
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    for bit in range(len(raw) * 8):
        raw[bit // 8] ^= 1 << bit % 8
        altered = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        with pytest.raises(InvalidPageToken):
            await app.list_items("photos", page_token=altered)
        raw[bit // 8] ^= 1 << bit % 8


async def test_a_token_of_an_earlier_collection_has_expired(app: IndexApp) -> None:
    await put(app, *(record(f"i{n}", n) for n in range(4)))
    _, token = await app.list_items("photos", page_size=2)
    await app.delete_collection("photos")
    await app.create_collection("photos", PACK, BITS)
    with pytest.raises(PageTokenExpired):
        await app.list_items("photos", page_size=2, page_token=token)


steps = st.lists(
    st.tuples(st.sampled_from(["page", "put", "put", "delete"]), st.integers(0, 12), st.integers(0, 3)),
    min_size=1,
    max_size=40,
)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, st.integers(0, 12), st.integers(1, 4), st.booleans())
async def test_pages_under_any_changes(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, int, int]],
    first: int,
    size: int,
    filtered: bool,
) -> None:
    """Items that pass from the first page to the last are listed once, in order; nothing is listed twice."""
    filter = "n < 2" if filtered else ""
    async with opened(tmp_path_factory.mktemp("pages"), collections=["photos"]) as app:
        state: dict[str, int] = {}
        for number in range(first):
            state[f"i{number}"] = number % 4
            await put(app, record(f"i{number}", metadata={"n": number % 4}))
        stays = {item for item, n in state.items() if n < 2 or not filter}
        listed: list[str] = []
        page, token = await app.list_items("photos", page_size=size, filter=filter, brief=True)
        listed += [one.id for one in page]
        for kind, number, n in [*steps, *[("page", 0, 0)] * 20]:
            item = f"i{number}"
            if kind == "put":
                await put(app, record(item, metadata={"n": n}))
                state[item] = n
                if filter and n >= 2:
                    stays.discard(item)
            elif kind == "delete":
                await app.delete("photos", [item])
                stays.discard(item)
            elif token:
                page, token = await app.list_items(
                    "photos", page_size=size, page_token=token, filter=filter, brief=True
                )
                assert len(page) <= size
                assert all(state[one.id] == one.metadata["n"] for one in page)
                listed += [one.id for one in page]
        assert token == ""
        assert len(listed) == len(set(listed))
        assert stays <= set(listed)
        kept = [item for item in listed if item in stays]
        assert kept == sorted(kept, key=lambda item: int(item[1:]))
