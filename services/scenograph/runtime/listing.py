"""Pages of lists that are short and whole in memory: in the order of a name, which the token holds."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from scenograph.scene.errors import InvalidInput, InvalidPageToken

T = TypeVar("T")

DEFAULT_PAGE, MAX_PAGE = 100, 1000


def page(found: Sequence[T], name: Callable[[T], str], size: int, token: str) -> tuple[list[T], str]:
    """Those after the token's name, at most `size` of them (0: 100), and the next token; empty at the end.

    `found` is sorted by its names, each of which comes once.  Errors: InvalidInput, InvalidPageToken.
    """
    if size < 0:
        raise InvalidInput("less than 0", field="page_size")
    size = min(size or DEFAULT_PAGE, MAX_PAGE)
    after = _read(token) if token else ""
    left = [each for each in found if name(each) > after]
    return left[:size], _write(name(left[size - 1])) if len(left) > size else ""


def _write(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _read(token: str) -> str:
    try:
        name = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidPageToken("not a page token", field="page_token") from error
    if not name or _write(name) != token:
        raise InvalidPageToken("not a page token", field="page_token")
    return name
