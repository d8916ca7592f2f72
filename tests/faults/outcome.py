"""What a fault did, as one row: printed, and added to the file that FAULTS_OUT names."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

OUT = "FAULTS_OUT"


@dataclass(slots=True)
class Outcome:
    """Counts of one fault. `failed`: calls by gRPC code, of writes and of searches; `recovery_s`: from the
    healing to the last call that failed; None where nothing was healed. `note` says why calls failed.
    """

    fault: str
    writes: int = 0
    searches: int = 0
    lost: int = 0
    wrong: int = 0
    degraded: int = 0
    failed_writes: dict[str, int] = field(default_factory=dict)
    failed_searches: dict[str, int] = field(default_factory=dict)
    recovery_s: float | None = None
    note: str = ""

    def record(self) -> None:
        """Prints the row, and keeps it where a file is named."""
        line = json.dumps(asdict(self))
        print(line)
        if path := os.environ.get(OUT):
            with Path(path).open("a") as file:
                file.write(line + "\n")

    def check(self) -> None:
        """Nothing acknowledged is lost, no answer is wrong, and there was something to lose."""
        self.record()
        assert (self.lost, self.wrong) == (0, 0), self
        assert self.writes and self.searches, self
