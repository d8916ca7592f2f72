"""What a load measured: one row for each call that ended."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

OTHER = "other errors"
MESSAGES_KEPT = 100
"""Different messages that one process counts apart."""


@dataclass(slots=True)
class Tally:
    """What one process gathers; times are nanoseconds of the system's monotonic clock.

    `error` is each call's place in `messages`, whose first is that of no error. `advised`: how many failures
    said when to come back (google.rpc.RetryInfo).
    """

    due: array[int] = field(default_factory=lambda: array("q"))
    sent: array[int] = field(default_factory=lambda: array("q"))
    done: array[int] = field(default_factory=lambda: array("q"))
    status: array[int] = field(default_factory=lambda: array("b"))
    error: array[int] = field(default_factory=lambda: array("b"))
    messages: list[str] = field(default_factory=lambda: ["", OTHER])
    unsent: int = 0
    advised: int = 0

    def add(self, due: int, sent: int, done: int, status: int, error: str) -> None:
        """One call that ended; `status` is its gRPC code's number."""
        if error not in self.messages and len(self.messages) < MESSAGES_KEPT:
            self.messages.append(error)
        known = error in self.messages
        self.due.append(due)
        self.sent.append(sent)
        self.done.append(done)
        self.status.append(status)
        self.error.append(self.messages.index(error if known else OTHER))


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """The calls of all processes in the order of their ends: n of them.

    due, sent, done (n,) int64: nanoseconds since the load began; status (n,) int8: gRPC codes; error (n,):
    what was said, "" where all went well. `unsent` were due and had no caller when the load ended;
    `advised` failures said when to come back.
    """

    due: NDArray[np.int64]
    sent: NDArray[np.int64]
    done: NDArray[np.int64]
    status: NDArray[np.int8]
    error: NDArray[np.object_]
    unsent: int
    advised: int

    @property
    def from_due(self) -> NDArray[np.int64]:
        """Nanoseconds from when a call was due to its end, (n,): what users wait when a server stalls."""
        return self.done - self.due

    @property
    def from_sent(self) -> NDArray[np.int64]:
        """Nanoseconds from when a call was sent to its end, (n,)."""
        return self.done - self.sent

    @property
    def errors(self) -> Counter[str]:
        """How many calls each error had."""
        return Counter(error for error in self.error.tolist() if error)

    def after(self, first: int) -> Samples:
        """The same without the first calls that ended."""
        part = slice(first, None)
        return replace(
            self,
            due=self.due[part],
            sent=self.sent[part],
            done=self.done[part],
            status=self.status[part],
            error=self.error[part],
        )


def gathered(tallies: Sequence[Tally], start_ns: int) -> Samples:
    """The samples of all processes together."""
    tallies = [Tally(), *tallies]
    due, sent, done = (
        np.concatenate([np.frombuffer(getattr(tally, name), np.int64) for tally in tallies]) - start_ns
        for name in ("due", "sent", "done")
    )
    status = np.concatenate([np.frombuffer(tally.status, np.int8) for tally in tallies])
    error = np.concatenate(
        [np.array(tally.messages, np.object_)[np.frombuffer(tally.error, np.int8)] for tally in tallies]
    )
    order = np.argsort(done, kind="stable")
    unsent = sum(tally.unsent for tally in tallies)
    advised = sum(tally.advised for tally in tallies)
    return Samples(due[order], sent[order], done[order], status[order], error[order], unsent, advised)
