"""Quotas: calls in a time, and calls at the same time, for each name apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenograph.runtime.security import quotas
from scenograph.runtime.security.principals import NO_QUOTA, Quota
from scenograph.runtime.security.quotas import Quotas
from scenograph.scene.errors import QuotaExceeded


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_the_rate() -> None:
    clock, quota = Clock(), Quota(calls_per_s=2, burst=3)
    use = Quotas(clock)
    for _ in range(3):
        use.begin("a", quota)
        use.end("a")
    with pytest.raises(QuotaExceeded, match="2 calls a second") as caught:
        use.begin("a", quota)
    assert caught.value.retry_after_s == pytest.approx(0.5)
    use.begin("b", quota)
    clock.now += 0.4
    with pytest.raises(QuotaExceeded) as caught:
        use.begin("a", quota)
    assert caught.value.retry_after_s == pytest.approx(0.1)
    clock.now += 0.1
    use.begin("a", quota)


@given(st.floats(0.1, 50), st.integers(1, 20), st.lists(st.floats(0, 2), max_size=60))
def test_never_more_than_the_rate_allows(rate: float, burst: int, pauses: list[float]) -> None:
    clock, quota = Clock(), Quota(calls_per_s=rate, burst=burst)
    use, let_in = Quotas(clock), 0
    begun = clock.now
    for pause in [0.0, *pauses]:
        clock.now += pause
        try:
            use.begin("a", quota)
        except QuotaExceeded as error:
            assert error.retry_after_s is not None and 0 < error.retry_after_s <= 1 / rate + 1e-9
        else:
            let_in += 1
    assert 1 <= let_in <= burst + rate * (clock.now - begun) + 1e-6


def test_calls_at_the_same_time() -> None:
    use, quota = Quotas(), Quota(concurrent=2)
    use.begin("a", quota)
    use.begin("a", quota)
    with pytest.raises(QuotaExceeded, match="2 calls at the same time") as caught:
        use.begin("a", quota)
    assert caught.value.retry_after_s
    use.end("a")
    use.begin("a", quota)


def test_without_a_quota_there_is_no_bound() -> None:
    use = Quotas()
    for _ in range(1000):
        use.begin("a", NO_QUOTA)


def test_few_names_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "KEPT", 3)
    use, quota = Quotas(Clock()), Quota(calls_per_s=1)
    use.begin("busy", quota)
    for name in "abcdef":
        use.begin(name, quota)
        use.end(name)
    use.end("busy")  # a call under way is not forgotten
    with pytest.raises(QuotaExceeded):
        use.begin("busy", quota)
