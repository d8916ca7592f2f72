"""A Redis that hangs, and one that is killed: calls go on without it, and use it again when it is back."""

from __future__ import annotations

from itertools import islice

from tests.faults.conftest import Whole
from tests.faults.load import FIXED, Load, connected, search
from tests.faults.sentences import sentences


def _kept_and_passed_by(whole: Whole) -> None:
    """Without Redis the gateway still knows the rankings that it made itself; new ones say `bypass`."""
    kept = next(iter(whole.fixed.answers))
    with connected(whole.server.address) as client:
        pages = [search(client, FIXED, text) for text in (kept, kept, "a zebra on a swing")]
        assert [page.report.cache for page in pages[1:]] == ["hit", "bypass"]
        assert [hit.id for hit in pages[0]] == whole.fixed.answers[kept]
        assert client.health() == "SERVING"


def _used_again(whole: Whole) -> None:
    """Waits until new answers are kept in Redis."""
    before = _keys(whole)
    with connected(whole.server.address) as client:
        for text in islice(sentences(77), 500):
            search(client, FIXED, text)
            if _keys(whole) > before:
                return
    raise AssertionError("Redis is not used again")


def _keys(whole: Whole) -> int:
    return int(whole.redis.command("DBSIZE").strip().lstrip(":"))


def test_a_redis_that_hangs(whole: Whole) -> None:
    with Load(whole.server.address, whole.fixed, "Redis stops answering (SIGSTOP)") as load:
        load.more(writes=10, searches=10)
        with load.failing():
            whole.redis.suspend()
            load.more(writes=15, searches=30)
            whole.redis.resume()
        load.more(writes=10, searches=10)
    outcome = load.finish()
    assert not outcome.failed_writes and not outcome.failed_searches, load.messages
    _used_again(whole)


def test_a_redis_that_is_killed(whole: Whole) -> None:
    with Load(whole.server.address, whole.fixed, "Redis killed, started again empty") as load:
        load.more(writes=10, searches=10)
        with load.failing():
            whole.redis.kill()
            _kept_and_passed_by(whole)
            load.more(writes=15, searches=30)
            whole.redis.start()
        load.more(writes=10, searches=10)
    outcome = load.finish()
    assert not outcome.failed_writes and not outcome.failed_searches, load.messages
    _used_again(whole)
