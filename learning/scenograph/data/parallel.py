"""Work on threads, results in order, a few parts ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")


def in_order(
    parts: Sequence[Part], work: Callable[[Part], Result], workers: int
) -> Iterator[tuple[Part, Result]]:
    """What `work` makes of each part, in order, a few parts ahead on as many threads."""
    with ThreadPoolExecutor(workers, thread_name_prefix="features") as pool:
        ahead: deque[tuple[Part, Future[Result]]] = deque()
        try:
            for part in parts:
                ahead.append((part, pool.submit(work, part)))
                if len(ahead) > 2 * workers:
                    done, future = ahead.popleft()
                    yield done, future.result()
            while ahead:
                done, future = ahead.popleft()
                yield done, future.result()
        finally:
            for _, future in ahead:
                future.cancel()
