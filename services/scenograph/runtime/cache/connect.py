"""Redis clients by URL: one server, Sentinel, or Cluster."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from scenograph.scene.errors import InvalidInput

SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "redis+cluster")


class Connection(NamedTuple):
    """A client, and whatever else must be closed with it."""

    client: Redis | RedisCluster
    others: tuple[Redis, ...] = ()

    async def close(self) -> None:
        for client in (self.client, *self.others):
            await client.aclose()


def connect(url: str, timeout_s: float) -> Connection:
    """A client that fails fast and does not retry; nothing is connected yet.

    `redis://host:6379/0`, `rediss://...` (TLS), `unix:///path`; `redis+sentinel://host:26379,host:26379/master-name/0`;
    `redis+cluster://host:6379,host:6379`. User and password stand before the `@`. Raises InvalidInput.
    """
    parts = urlsplit(url)
    limits: dict[str, Any] = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}
    once = Retry(NoBackoff(), 0)
    if parts.scheme in ("redis", "rediss", "unix"):
        try:
            return Connection(Redis.from_url(url, retry=once, **limits))
        except ValueError as error:
            raise _bad_url(url) from error
    login: dict[str, Any] = {"username": parts.username, "password": parts.password}
    if parts.scheme == "redis+sentinel":
        master, _, database = parts.path.strip("/").partition("/")
        if not master or not (database or "0").isdecimal():
            raise _bad_url(url)
        sentinel = Sentinel(_hosts(parts, url, 26379), sentinel_kwargs=limits)  # type: ignore[no-untyped-call]
        client: Redis = sentinel.master_for(master, db=int(database or 0), retry=once, **login, **limits)
        return Connection(client, tuple(sentinel.sentinels))
    if parts.scheme == "redis+cluster":
        nodes = [ClusterNode(host, port) for host, port in _hosts(parts, url, 6379)]
        return Connection(RedisCluster(startup_nodes=nodes, retry=once, **login, **limits))
    raise _bad_url(url)


def _hosts(parts: SplitResult, url: str, default_port: int) -> list[tuple[str, int]]:
    hosts = []
    for address in parts.netloc.rpartition("@")[2].split(","):
        host, _, port = address.partition(":")
        if not host or not (port or "0").isdecimal():
            raise _bad_url(url)
        hosts.append((host, int(port or default_port)))
    return hosts


def _bad_url(url: str) -> InvalidInput:
    scheme = url.partition("://")[0]
    return InvalidInput(
        f"not a usable Redis URL (scheme {scheme!r}); known schemes: {', '.join(SCHEMES)}", field="redis_url"
    )
