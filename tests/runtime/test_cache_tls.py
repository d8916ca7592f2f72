"""A Redis that is reached over TLS, its certificate checked and the own one shown.

The relay in front of it ends TLS as stunnel does, so that a redis-server that was built without it serves.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.authority import Authority, Pair
from tests.redis_process import RedisProcess

from scenograph.runtime.cache.redis import RedisCache


@asynccontextmanager
async def relay(port: int, own: Pair, callers: Authority) -> AsyncIterator[int]:
    """The port of a relay to that port; callers must show certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    context.load_verify_locations(callers.file)
    context.verify_mode = ssl.CERT_REQUIRED
    open_now: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward, back = await asyncio.open_connection("127.0.0.1", port)
        open_now.update((writer, back))

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            sink.close()

        await asyncio.gather(pump(reader, back), pump(onward, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in open_now:
            writer.close()


async def test_a_cache_over_tls(redis_server: RedisProcess, tmp_path: Path) -> None:
    authority, foreign = Authority(tmp_path), Authority(tmp_path, "foreign")
    own, gateway = authority.issue("redis"), authority.issue("gateway")
    shown = f"ssl_certfile={gateway.certificate}&ssl_keyfile={gateway.key}"
    async with relay(redis_server.port, own, authority) as port:
        for query, served in (
            (f"ssl_ca_certs={authority.file}&{shown}", True),
            (f"ssl_ca_certs={authority.file}", False),  # without a certificate
            (f"ssl_ca_certs={foreign.file}&{shown}", False),  # an unknown authority
        ):
            cache = RedisCache(f"rediss://127.0.0.1:{port}/0?{query}", prefix="tls:", timeout_s=5)
            await cache.set("key", b"value", 60)
            assert (await cache.get("key") == b"value") is served and cache.bypassed is not served
            await cache.close()
        plain = RedisCache(f"redis://127.0.0.1:{port}/0", timeout_s=2)
        await plain.set("key", b"value", 60)
        assert plain.bypassed
        await plain.close()
