"""What is known of one call while it is guarded."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from scenograph.runtime.principal import Principal, Role
from scenograph.runtime.security.rules import Rule

NO_RULE = Rule(Role.ADMIN)


@dataclass(slots=True)
class Visit:
    """`by`: the service that calls for the principal. `read`: items given away. `pending`: the last line of
    the audit log that the stream's next answer waits for.
    """

    method: str
    peer: str
    rule: Rule = NO_RULE
    principal: Principal | None = None
    by: str = ""
    collection: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    read: int = 0
    pending: Future[None] | None = None

    @property
    def name(self) -> str:
        """The principal's; empty where nobody knows who calls."""
        return "" if self.principal is None else self.principal.name

    @property
    def address(self) -> str:
        """The peer's, without the port."""
        kind, _, rest = self.peer.partition(":")
        return f"{kind}:{rest.rpartition(':')[0]}" if kind in ("ipv4", "ipv6") else self.peer
