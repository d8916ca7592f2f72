"""Calls of a Milvus server, off the event loop: with time limits, and with errors in the domain's words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

import grpc
from pymilvus import CollectionSchema, MilvusClient
from pymilvus.exceptions import ErrorCode, MilvusException

from scenograph.index.milvus.address import Address
from scenograph.index.milvus.rows import Row
from scenograph.index.milvus.schema import own_name
from scenograph.runtime import deadline
from scenograph.runtime.contracts import CodeArray
from scenograph.scene.errors import (
    CollectionExists,
    CollectionNotFound,
    DeadlineExceeded,
    DiskFull,
    ResourceExhausted,
    Unavailable,
)

logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs a stack for every error that it raises

T = TypeVar("T")

THREADS = 16
KEYS = 4000  # of one expression
MOST_ROWS = 16_384  # of one answer with a limit
NOT_LOADED = 101
NO_SUCH = 100
LOAD_S = 600.0

# Milvus' error codes: of its errors.go.
FULL = {
    7: DiskFull,
    int(ErrorCode.RATE_LIMIT): ResourceExhausted,
    int(ErrorCode.FORCE_DENY): ResourceExhausted,
}
NOT_READY = frozenset({1, 2, 3, 4, 5, 6, 500, 501, 503, 600, 901, 902, 903})


class MilvusServer:
    """One client, shared by a few threads. `strong` reads see every write that was acknowledged before.

    Errors of every method: Unavailable where the server cannot be reached, or does not answer in time;
    DeadlineExceeded where the call's own time ran out; CollectionNotFound; ResourceExhausted, DiskFull.
    """

    def __init__(self, address: Address, *, timeout_s: float, strong: bool) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._level = "Strong" if strong else "Session"
        self._threads = ThreadPoolExecutor(THREADS, "milvus")
        self._client: MilvusClient | None = None

    def connect(self) -> None:
        """Opens the connection (blocking). Errors: Unavailable."""
        with Named("", self._timeout_s):
            self._client = MilvusClient(
                uri=self._address.uri,
                token=self._address.token,
                db_name=self._address.database,
                timeout=self._timeout_s,
                dedicated=True,
            )

    def close(self) -> None:
        """Lets go of the connection; calls under way end first."""
        self._threads.shutdown(wait=True)
        if self._client is not None:
            self._client.close()

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Does blocking work with this server in one of its threads."""
        run = copy_context().run  # the deadline, and what is traced, belong to this call
        return await asyncio.get_running_loop().run_in_executor(self._threads, run, work, *arguments)

    # What follows blocks.

    def collections(self) -> list[str]:
        """All collections of the database, whoever made them."""
        with self._limited("") as limits:
            return list(self._opened.list_collections(**limits))

    def create(self, name: str, schema: CollectionSchema) -> None:
        """An empty collection, or what is missing of one. Errors: CollectionExists."""
        with self._limited(name) as limits:
            if self._opened.has_collection(name, **limits):
                raise CollectionExists(f"there is a collection {own_name(name)!r} already")
            try:
                self._opened.create_collection(
                    name, schema=schema, consistency_level="Strong", num_shards=1, **limits
                )
            except MilvusException as error:
                if "already exist" in str(error):
                    raise CollectionExists(f"there is a collection {own_name(name)!r} already") from error
                raise
        self.load(name)

    def load(self, name: str) -> None:
        """Makes the index where it is missing, and has the collection loaded; returns when it answers."""
        with self._limited(name) as limits:
            indexes = self._opened.list_indexes(name, **limits)
            for field, kind in (("code", "BIN_FLAT"), ("item", "Trie")):
                if field not in indexes:
                    wanted = self._opened.prepare_index_params()
                    metric = {"metric_type": "HAMMING"} if field == "code" else {}
                    wanted.add_index(field, index_type=kind, index_name=field, **metric)
                    self._opened.create_index(name, wanted, sync=False, **limits)
            self._opened.load_collection(name, timeout=LOAD_S)

    def description(self, name: str) -> str:
        """What was said of the collection when it was made."""
        with self._limited(name) as limits:
            return str(self._opened.describe_collection(name, **limits).get("description", ""))

    def drop(self, name: str) -> None:
        """Removes the collection and all it holds."""
        with self._limited(name) as limits:
            if not self._opened.has_collection(name, **limits):
                raise CollectionNotFound(f"there is no collection {own_name(name)!r}")
            self._opened.drop_collection(name, **limits)

    def time(self) -> int:
        """A timestamp of the server's own: greater than that of every write that was acknowledged so far."""
        with self._limited("") as limits:
            return int(self._opened._get_connection().alloc_timestamp(**limits))

    def insert(self, name: str, rows: list[Row]) -> None:
        """Adds rows; readers see all of them, or none."""
        with self._limited(name) as limits:
            self._opened.insert(name, rows, **limits)

    def delete(self, name: str, keys: Sequence[str]) -> None:
        """Removes rows by primary key; keys that are not there are passed over."""
        for start in range(0, len(keys), KEYS):
            with self._limited(name) as limits:
                self._opened.delete(name, ids=list(keys[start : start + KEYS]), **limits)

    def query(
        self, name: str, where: str, fields: Sequence[str], *, limit: int | None = None, strong: bool = False
    ) -> list[Row]:
        """Rows that an expression finds; with a limit, those of least primary key, in that order."""
        options: dict[str, Any] = {} if limit is None else {"limit": limit}
        level = "Strong" if strong else self._level
        with self._limited(name) as limits:
            found = self._opened.query(
                name, filter=where, output_fields=list(fields), consistency_level=level, **options, **limits
            )
        return [dict(row) for row in found]

    def count(self, name: str, where: str) -> int:
        """How many rows an expression finds."""
        return int(self.query(name, where, ["count(*)"])[0]["count(*)"])

    def search(
        self, name: str, code: CodeArray, where: str, limit: int, fields: Sequence[str]
    ) -> list[tuple[int, Row]]:
        """The rows of least Hamming distance among those that an expression finds, nearest first."""
        with self._limited(name) as limits:
            found = self._opened.search(
                name,
                [code.tobytes()],
                anns_field="code",
                filter=where,
                limit=limit,
                output_fields=list(fields),
                search_params={"metric_type": "HAMMING"},
                consistency_level=self._level,
                **limits,
            )
        return [(int(hit["distance"]), dict(hit["entity"], pk=hit["id"])) for hit in found[0]]

    @property
    def _opened(self) -> MilvusClient:
        if self._client is None:
            raise Unavailable("the index is not connected to Milvus")
        return self._client

    def _limited(self, name: str) -> Named:
        left = deadline.remaining()
        return Named(name, self._timeout_s if left is None else min(left, self._timeout_s), left)


class Named:
    """Inside the block, Milvus' errors are the domain's; gives the time limit as pymilvus wants it."""

    def __init__(self, collection: str, timeout_s: float, left_s: float | None = None) -> None:
        self._collection = collection
        self._timeout_s = timeout_s
        self._left_s = left_s

    def __enter__(self) -> dict[str, Any]:
        if self._timeout_s <= 0:
            raise DeadlineExceeded("the request's time ran out")
        return {"timeout": self._timeout_s}

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, grpc.RpcError):
            if self._left_s is not None and self._left_s <= self._timeout_s:
                raise DeadlineExceeded("Milvus did not answer within the request's time") from error
            raise Unavailable("Milvus does not answer") from error
        if isinstance(error, MilvusException):
            self._translate(error)

    def _translate(self, error: MilvusException) -> None:
        name, code = own_name(self._collection) or self._collection, error.code
        if code == NO_SUCH or "can't find collection" in str(error):
            raise CollectionNotFound(f"there is no collection {name!r}") from error
        if code in FULL:
            raise FULL[code](f"Milvus takes no writes now: {error.message}") from error
        if code == NOT_LOADED:
            raise Unavailable(f"Milvus is loading {name!r}") from error
        if type(error) is MilvusException and (not isinstance(code, int) or code in NOT_READY):
            raise Unavailable(f"Milvus cannot be reached, or is not ready: {error.message}") from error
        # anything else is a mistake of ours, and goes on as it is
