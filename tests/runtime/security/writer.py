"""Writes an audit log until it is killed; prints the number of each event that is on disk."""

import sys
from pathlib import Path

from scenograph.runtime.security.audit.log import AuditLog

if __name__ == "__main__":
    log, number = AuditLog(Path(sys.argv[1])), 0
    while True:
        for _ in range(20):
            log.note({"event": "call", "text": "x" * 500})
        log.record({"event": "end", "number": number}).result()
        print(number, flush=True)
        number += 1
