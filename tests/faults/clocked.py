"""`scenograph` whose wall clock is off by what a file says, in seconds: `python -m tests.faults.clocked FILE
ARGUMENTS...`. The file is read ten times a second. The monotonic clock goes on as it does.
"""

from __future__ import annotations

import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

from scenograph.cli import main

POLL_S = 0.1


def follow(file: Path) -> None:
    """Moves this process's clock where the file says, for good."""
    began, at, off, travel = time.monotonic(), datetime.now(UTC), 0.0, None
    while True:
        if (wanted := float(file.read_text() or 0)) != off:
            now = at + timedelta(seconds=time.monotonic() - began + wanted)
            if travel is not None:
                travel.stop()
            travel = time_machine.travel(now, tick=True)
            travel.start()
            off = wanted
        time.sleep(POLL_S)


if __name__ == "__main__":
    threading.Thread(target=follow, args=(Path(sys.argv.pop(1)),), daemon=True).start()
    main()
