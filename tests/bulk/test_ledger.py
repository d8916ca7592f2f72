"""The ledger: whatever is left of it after a kill, what it says is finished was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scenograph.bulk.ledger import Ledger
from scenograph.bulk.records import Rejected
from scenograph.bulk.work import Sent

BAD = Rejected("r", "INVALID_IMAGE", "no picture \u2028 \ud800")
SENT = [
    Sent("a", 256, False, stored=255, rejected=(BAD,)),
    Sent("b", 256, False, stored=256),
    Sent("a", 300, True, stored=44, replayed=4),
    Sent("b", 256, True),
]


def opened(folder: Path) -> Ledger:
    return Ledger(folder, "photos", "/source")


def test_a_ledger_remembers(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        assert [ledger.add(sent) for sent in SENT] == [256, 256, 44, 0]
    with opened(tmp_path) as ledger:
        a, b = ledger.shards["a"], ledger.shards["b"]
        assert (a.upto, a.end, a.stored, a.replayed, a.rejected) == (300, True, 299, 4, 1)
        assert (b.upto, b.end, b.stored) == (256, True, 256)
        lines = ledger.write_rejected().read_text().split("\n")
    assert json.loads(lines[0])["shard"] == "a" and json.loads(lines[0])["record"] == "r" and not lines[1]


def test_what_a_worker_tells_again_counts_once(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        assert [ledger.add(sent) for sent in [SENT[0], SENT[0], SENT[2], SENT[0], SENT[2]]] == [
            256,
            0,
            44,
            0,
            0,
        ]
        ledger.add(Sent("c", 0, False, broken="gone"))
    with opened(tmp_path) as ledger:
        assert ledger.shards["a"].stored == 299 and "c" not in ledger.shards


def test_a_torn_line_is_as_if_it_were_not(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        for sent in SENT:
            ledger.add(sent)
    whole = (tmp_path / "ledger.jsonl").read_bytes()
    for length in range(len(whole) + 1):
        folder = tmp_path / str(length)
        folder.mkdir()
        (folder / "ledger.jsonl").write_bytes(whole[:length])
        kept = max(0, whole[:length].count(b"\n") - 1)
        with opened(folder) as ledger:
            for sent in SENT:
                known = ledger.shards.get(sent.shard)
                expected = [each.upto for each in SENT[:kept] if each.shard == sent.shard]
                assert (known.upto if known else None) == (max(expected) if expected else None)
            for sent in SENT[kept:]:
                ledger.add(sent)
        assert (folder / "ledger.jsonl").read_bytes() == whole


def test_another_source_or_collection_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).__exit__(None, None, None)
    with pytest.raises(ValueError, match="another collection"):
        Ledger(tmp_path, "other", "/source")
    with pytest.raises(ValueError, match="another source"):
        Ledger(tmp_path, "photos", "/elsewhere")


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(ValueError, match="another ingest"):
        opened(tmp_path)
    opened(tmp_path).__exit__(None, None, None)
