"""A name server for tests: answers with the IPv4 addresses that it is told, over UDP on this machine."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Sequence

_A, _IN = 1, 1


class DnsServer:
    """Every name has the `addresses`, which may be changed. `questions`: how often it was asked."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.addresses = list(addresses)
        self.questions = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> DnsServer:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def target(self, port: int) -> str:
        """A gRPC target whose addresses are asked for here."""
        own: tuple[str, int] = self._socket.getsockname()
        return f"dns://{own[0]}:{own[1]}/replicas.test:{port}"

    def _serve(self) -> None:
        while True:
            try:
                question, sender = self._socket.recvfrom(4096)
            except OSError:
                return
            self._socket.sendto(self._answer(question), sender)

    def _answer(self, question: bytes) -> bytes:
        end = question.index(b"\0", 12) + 5  # the name, its type, its class
        kind, _ = struct.unpack("!HH", question[end - 4 : end])
        addresses = self.addresses if kind == _A else []
        self.questions += kind == _A
        header = question[:2] + struct.pack("!HHHHH", 0x8180, 1, len(addresses), 0, 0)
        # Each answer points back at the name of the question, and may be kept for no time.
        records = [
            struct.pack("!HHHIH", 0xC00C, _A, _IN, 0, 4) + socket.inet_aton(address) for address in addresses
        ]
        return header + question[12:end] + b"".join(records)
