"""A process that says what it does, killed after a while."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from tests.support import ROOT


def killed(module: str, *arguments: str, enough: Callable[[list[str]], bool]) -> list[str]:
    """Runs `python -m module` until it has said enough and a moment longer, then kills it; the whole lines
    that it said, its first ("ready") left out.
    """
    lines: list[str] = []
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        while not enough(lines):
            lines.append(process.stdout.readline())
        time.sleep(random.random() / 30)
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    return [line.strip() for line in lines if line.endswith("\n")]
