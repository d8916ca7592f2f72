"""What was sent, on disk: a line for each stretch of a shard, written before the next is waited for.

ledger.jsonl    a header, then a line for each stretch
rejected.jsonl  the records that were not stored, made from the ledger
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scenograph.bulk.records import Rejected
from scenograph.bulk.work import Sent

FORMAT = 1


@dataclass(slots=True)
class Progress:
    """How far a shard is, over all runs: records dealt with, whether that is all, what became of them."""

    upto: int = 0
    end: bool = False
    stored: int = 0
    replayed: int = 0
    rejected: int = 0

    def add(self, sent: Sent) -> None:
        self.upto, self.end = sent.upto, sent.end
        self.stored += sent.stored
        self.replayed += sent.replayed
        self.rejected += len(sent.rejected)


class Ledger:
    """Opens (or begins) the ledger of one source and collection, for one process at a time. Close it, or use
    it in `with`.

    Errors: ValueError (it is another's, or in use), OSError.
    """

    def __init__(self, folder: Path, collection: str, source: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path, self._rejected = folder / "ledger.jsonl", folder / "rejected.jsonl"
        self._file = self._path.open("a+b", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.shards: dict[str, Progress] = {}
            self._open({"format": FORMAT, "collection": collection, "source": source})
        except BlockingIOError:
            self._file.close()
            raise ValueError(f"another ingest is using {folder}") from None
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, sent: Sent) -> int:
        """Writes a stretch down, durably; how many records it has that were not known to be dealt with.

        What tells nothing new, as that of a worker that began anew, is left out.
        """
        known = self.shards.setdefault(sent.shard, Progress())
        if known.end or (sent.upto <= known.upto and not sent.end):
            return 0
        new = sent.upto - known.upto
        self._write(asdict(sent))
        known.add(sent)
        return new

    def write_rejected(self) -> Path:
        """Makes the report anew: a line for each record that was not stored, with its shard's id."""
        fresh = self._rejected.with_suffix(".tmp")
        with fresh.open("w", encoding="ascii") as out:
            for line in self._lines():
                for record in line.get("rejected", ()):
                    out.write(json.dumps({"shard": line["shard"], **record}) + "\n")
        fresh.replace(self._rejected)
        return self._rejected

    def _open(self, header: dict[str, Any]) -> None:
        end = 0
        for line in self._lines():
            end += 1
            if end == 1 and line != header:
                wrong = next(key for key in header if line.get(key) != header[key])
                raise ValueError(
                    f"{self._path} is of another {wrong} ({line.get(wrong)!r}, not {header[wrong]!r}): "
                    "give another --state"
                )
            if end > 1:
                sent = Sent(**{**line, "rejected": tuple(Rejected(**each) for each in line["rejected"])})
                self.shards.setdefault(sent.shard, Progress()).add(sent)
        if end == 0:
            self._write(header)

    def _lines(self) -> Iterator[dict[str, Any]]:
        """Whole lines; what a killed process left behind the last one is cut off."""
        self._file.seek(0)
        content = self._file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            self._file.truncate(whole)
        for line in content[:whole].splitlines():
            yield json.loads(line)

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        os.fsync(self._file.fileno())
