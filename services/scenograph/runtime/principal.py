"""Who calls, and what they may: one principal for each call being served, wherever one stands in its code.

A call's principal is set by the server's own layer (`interceptors`), goes along to other services
(`gateway.remote`), and is asked for where something is read or written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum

ANY_COLLECTION = "*"


class Role(IntEnum):
    """What one may do in a collection; each role may do what the ones before it may."""

    NONE = 0
    READER = 1
    WRITER = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who calls.

    `roles`: by collection, "*" for all that are not named. `labels`: the access labels that they hold; None:
    they see every item. `service`: one of scenograph's own processes, which may say for whom it calls.
    """

    name: str
    roles: Mapping[str, Role] = field(default_factory=dict)
    labels: frozenset[str] | None = frozenset()
    service: bool = False

    def role_in(self, collection: str) -> Role:
        """The role in a collection."""
        return self.roles.get(collection, self.roles.get(ANY_COLLECTION, Role.NONE))

    def may_read(self, collection: str) -> bool:
        """Whether they may know of a collection."""
        return self.role_in(collection) >= Role.READER

    def highest_role(self) -> Role:
        """The highest role that they have anywhere."""
        return max(self.roles.values(), default=Role.NONE)

    def sees(self, labels: Iterable[str]) -> bool:
        """Whether an item of these access labels is there for them."""
        if self.labels is None:
            return True
        found = set(labels)
        return not found or not self.labels.isdisjoint(found)


SYSTEM = Principal("system", {ANY_COLLECTION: Role.ADMIN}, labels=None, service=True)
"""scenograph itself: its own background work, and every caller where nothing asks for credentials."""

_current: ContextVar[Principal] = ContextVar("scenograph_principal", default=SYSTEM)


def current() -> Principal:
    """Who made the call being served; SYSTEM outside calls."""
    return _current.get()


@contextmanager
def acting_as(principal: Principal) -> Iterator[None]:
    """Inside the block the principal is the current one."""
    token = _current.set(principal)
    try:
        yield
    finally:
        _current.reset(token)
