"""Alarms: when each is raised, and that it is not when nothing is out of the ordinary."""

from __future__ import annotations

from scenograph.runtime.security.anomalies import Anomalies, Anomaly
from scenograph.runtime.settings import AnomalySettings


class Watch:
    """Anomalies at a time of the test's own."""

    def __init__(self, **settings: float) -> None:
        self.now = 1000.0
        self.told: list[Anomaly] = []
        self.anomalies = Anomalies(AnomalySettings(**settings), self.told.append, lambda: self.now)  # type: ignore[arg-type]

    def kinds(self) -> list[tuple[str, str]]:
        return [(one.kind, one.who) for one in self.told]


def test_somebody_reads_everything() -> None:
    watch = Watch(read_items=1000, read_window_s=60)
    for _ in range(9):
        watch.anomalies.read("web", 100)
        watch.anomalies.read("other", 10)
    assert watch.told == []
    watch.anomalies.read("web", 150)
    watch.anomalies.read("web", 500)
    assert watch.kinds() == [("bulk_export", "web")] and watch.told[0].count == 1050
    watch.now += 61
    watch.anomalies.read("web", 999)
    assert len(watch.told) == 1
    watch.anomalies.read("web", 1)
    assert len(watch.told) == 2


def test_a_burst_is_far_above_what_is_usual() -> None:
    watch = Watch(burst_calls=100, burst_factor=5)
    for _ in range(99):
        watch.anomalies.called("quiet")
    assert watch.told == []
    watch.anomalies.called("quiet")
    assert watch.kinds() == [("query_burst", "quiet")]


def test_who_always_calls_a_lot_raises_no_alarm_but_a_change_does() -> None:
    watch = Watch(burst_calls=100, burst_factor=5)
    for calls in (50, 90, *(99,) * 40):  # grows into it
        for _ in range(calls):
            watch.anomalies.called("busy")
        watch.now += 60
    for _ in range(300):
        watch.anomalies.called("busy")
    assert watch.told == []
    for _ in range(300):
        watch.anomalies.called("busy")
    assert watch.kinds() == [("query_burst", "busy")]
    watch.now += 24 * 3600  # a day without calls: nothing is usual any more
    for _ in range(100):
        watch.anomalies.called("busy")
    assert len(watch.told) == 2


def test_credentials_are_tried() -> None:
    watch = Watch(failed_logins=3, failed_logins_in_all=5, failed_window_s=60)
    for peer in "abab":
        watch.anomalies.login_failed(peer)
    assert watch.told == []
    watch.anomalies.login_failed("a")
    assert watch.kinds() == [("failed_logins", "a"), ("failed_logins_in_all", "")]
    watch.now += 61
    watch.anomalies.login_failed("b")
    assert len(watch.told) == 2


def test_zero_switches_an_alarm_off() -> None:
    watch = Watch(read_items=0, burst_calls=0, failed_logins=0, failed_logins_in_all=0)
    for _ in range(2000):
        watch.anomalies.read("a", 1000)
        watch.anomalies.called("a")
        watch.anomalies.login_failed("a")
    assert watch.told == []
