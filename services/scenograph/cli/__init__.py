"""The command line, `scenograph`: serve, pack, ingest, search, describe, collections, evaluate, bench ...

Commands are thin: they read arguments, call the client or a service, and print. Needs the extra `cli`.
"""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Entry point of `scenograph`; says how to install the command line where it is not."""
    try:
        from scenograph.cli.app import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"typer", "rich"}:
            raise
        sys.exit(
            "The command line is not installed: pip install 'scenograph[cli]' (to talk to a server), "
            "'scenograph[serve]' (to be one) or 'scenograph[pack]' (also to build the default model pack)."
        )
    # Ended from outside, a command still ends the server that it started. (`serve` has its own way to end.)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    run()
