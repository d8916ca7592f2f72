"""Rewraps the data keys of an index folder, and kills itself in the middle of the n-th: `FOLDER N KEY...`."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from pathlib import Path

from scenograph.index import database
from scenograph.index.rekeying import rekey
from scenograph.runtime.vault import Vault, WrappedKey

write_key, left = database.write_key, int(sys.argv[2])


def deadly(connection: sqlite3.Connection, key: WrappedKey) -> None:
    global left
    left -= 1
    write_key(connection, key)
    if left < 1:
        os.kill(os.getpid(), signal.SIGKILL)


database.write_key = deadly
vault = Vault([bytes.fromhex(key) for key in sys.argv[3:]])
rekey(Path(sys.argv[1]), vault, records=False, progress=lambda what: None)
