"""Loaded packs: calls keep the one they began with, and what packs have alike is made once."""

from __future__ import annotations

import asyncio
import threading

import pytest

from scenograph.runtime.packs import Packs
from scenograph.runtime.sharing import Shared
from scenograph.scene.errors import PackInUse, PackNotLoaded


async def test_a_use_keeps_its_pack_when_the_default_changes() -> None:
    packs: Packs[str] = Packs()
    packs.add("a@1", "one")
    packs.add("a@2", "two")
    with packs.use() as before:
        assert packs.set_default("a@2") == "a@1"
        with packs.use() as after:
            assert (before, after) == ("one", "two")
        with packs.use("a@1") as named:
            assert named == "one" and packs.calls_of("a@1") == 2
    assert packs.calls_of("a@1") == 0
    with pytest.raises(PackNotLoaded, match=r"a@3.*a@1, a@2"), packs.use("a@3"):
        pass
    with pytest.raises(PackNotLoaded):
        packs.set_default("a@3")
    assert packs.default == "a@2"


async def test_a_pack_is_freed_when_its_last_use_ends() -> None:
    packs: Packs[str] = Packs()
    freed = asyncio.Event()

    async def free() -> None:
        freed.set()

    packs.add("a@1", "one")
    packs.add("a@2", "two", free)
    with pytest.raises(PackInUse):
        await packs.remove("a@1")
    with packs.use("a@2"):
        with packs.use("a@2"):
            removing = asyncio.create_task(packs.remove("a@2"))
            await asyncio.sleep(0)
            with pytest.raises(PackNotLoaded), packs.use("a@2"):
                pass
        await asyncio.sleep(0)
        assert not freed.is_set()
    await removing
    assert freed.is_set() and list(packs) == ["a@1"]


async def test_quiet_waits_for_so_many_uses() -> None:
    packs: Packs[str] = Packs()
    packs.add("a@1", "one")
    with packs.use():
        await packs.quiet(1)
        with packs.use():
            waiting = asyncio.create_task(packs.quiet(1))
            await asyncio.sleep(0)
            assert not waiting.done()
        await waiting


def test_a_shared_value_is_made_once_and_goes_with_its_last_holder() -> None:
    shared: Shared[str, list[int]] = Shared()
    made: list[int] = []
    found: list[list[int]] = []
    inside, go_on = threading.Event(), threading.Event()

    def make() -> list[int]:
        made.append(1)
        inside.set()
        go_on.wait(10)
        return [len(made)]

    threads = [threading.Thread(target=lambda: found.append(shared.hold("k", make))) for _ in range(3)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    assert shared.hold("other", lambda: [7]) == [7]  # nobody waits for another's key
    go_on.set()
    for thread in threads:
        thread.join()
    assert found == [[1]] * 3 and found[0] is found[2]
    assert [shared.release("k") for _ in range(3)] == [None, None, [1]]
    assert len(shared) == 1 and shared.hold("k", lambda: [2]) == [2]


def test_what_cannot_be_made_is_tried_again() -> None:
    shared: Shared[str, int] = Shared()

    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        shared.hold("k", fail)
    assert shared.hold("k", lambda: 3) == 3
