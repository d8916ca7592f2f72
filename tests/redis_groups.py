"""Real Redis servers that stand in for one another: a master with a replica and Sentinels; a Cluster."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis import Redis

from tests.redis_process import RedisProcess, free_port, wait_for_port

DOWN_MS = 500  # without an answer for so long, a server is taken for dead
WAIT_S = 30.0
SLOTS = 16_384


class SentinelGroup:
    """A master, its replica, and three Sentinels that promote the replica when the master is gone."""

    NAME = "main"

    def __init__(self, binary: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sentinel-")
        self._binary = binary
        self.master = RedisProcess(binary)
        self.replica = RedisProcess(binary, "--replicaof", "127.0.0.1", str(self.master.port))
        self._ports = [free_port() for _ in range(3)]
        self._sentinels: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._ports)
        return f"redis+sentinel://{hosts}/{self.NAME}/0"

    def start(self) -> None:
        """Returns when the replica follows, and each Sentinel knows the others."""
        self.master.start()
        self.replica.start()
        until(lambda: _do(self.replica.port, "info", "replication")["master_link_status"] == "up")
        for port in self._ports:
            config = Path(self._folder.name) / f"{port}.conf"
            config.write_text(
                f"port {port}\nbind 127.0.0.1\n"
                f"sentinel monitor {self.NAME} 127.0.0.1 {self.master.port} 2\n"
                f"sentinel down-after-milliseconds {self.NAME} {DOWN_MS}\n"
                f"sentinel failover-timeout {self.NAME} 3000\n"
            )
            command = [str(self._binary), str(config), "--sentinel"]
            self._sentinels.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            wait_for_port(port)
        for port in self._ports:
            until(lambda port=port: self._watched(port) == (2, 1))  # type: ignore[misc]

    def master_port(self) -> int:
        """Whom the first Sentinel calls the master."""
        _, port = _do(self._ports[0], "sentinel_get_master_addr_by_name", self.NAME)
        return int(port)

    def close(self) -> None:
        for process in self._sentinels:
            process.kill()
            process.wait()
        self.master.close()
        self.replica.close()
        self._folder.cleanup()

    def _watched(self, port: int) -> tuple[int, int]:
        """How many other Sentinels, and replicas, one knows of."""
        said = _do(port, "sentinel_master", self.NAME)
        return int(said["num-other-sentinels"]), int(said["num-slaves"])


class ClusterGroup:
    """Three masters that share the slots, and a replica of each."""

    def __init__(self, binary: Path) -> None:
        options = (
            *("--cluster-enabled", "yes", "--cluster-node-timeout", str(DOWN_MS)),
            # A replica takes over however long it has not heard of its master.
            *("--cluster-replica-validity-factor", "0"),
        )
        self.masters = [RedisProcess(binary, *options) for _ in range(3)]
        self.replicas = [RedisProcess(binary, *options) for _ in range(3)]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.masters)

    def start(self) -> None:
        """Returns when all slots are served and each master has its replica."""
        nodes = [*self.masters, *self.replicas]
        for node in nodes:
            node.start()
        for place, master in enumerate(self.masters):
            slots = range(place * SLOTS // 3, (place + 1) * SLOTS // 3)
            _do(master.port, "execute_command", "CLUSTER ADDSLOTS", *slots)
            _do(master.port, "execute_command", "CLUSTER SET-CONFIG-EPOCH", place + 1)
        for node in nodes[1:]:
            _do(node.port, "execute_command", "CLUSTER MEET", "127.0.0.1", nodes[0].port)
        for node in nodes:
            until(lambda node=node: self.known(node) == 6)  # type: ignore[misc]
        for master, replica in zip(self.masters, self.replicas, strict=True):
            _do(replica.port, "execute_command", "CLUSTER REPLICATE", self.id_of(master))
        for node in nodes:
            until(lambda node=node: self.state(node) == "ok")  # type: ignore[misc]
        for replica in self.replicas:
            until(lambda port=replica.port: _do(port, "info", "replication")["master_link_status"] == "up")  # type: ignore[misc]

    def state(self, node: RedisProcess) -> str:
        """What a node says of the cluster: ok, or fail."""
        return str(_do(node.port, "cluster", "INFO")["cluster_state"])

    def known(self, node: RedisProcess) -> int:
        return len(_do(node.port, "cluster", "NODES"))

    def id_of(self, node: RedisProcess) -> str:
        return str(_do(node.port, "execute_command", "CLUSTER MYID").decode())

    def role(self, node: RedisProcess) -> str:
        return str(_do(node.port, "info", "replication")["role"])

    def owner(self, slot: int) -> RedisProcess:
        """The master that has a slot."""
        for master in self.masters:
            for node in _do(master.port, "cluster", "NODES").values():
                spans = node["slots"] if "myself" in node["flags"] else []
                if any(int(span[0]) <= slot <= int(span[-1]) for span in spans):
                    return master
        raise LookupError(slot)

    def move(self, slot: int, target: RedisProcess) -> None:
        """Gives a slot, and the keys in it, to another master."""
        source = self.owner(slot)
        here, there = source.port, target.port
        _do(there, "execute_command", "CLUSTER SETSLOT", slot, "IMPORTING", self.id_of(source))
        _do(here, "execute_command", "CLUSTER SETSLOT", slot, "MIGRATING", self.id_of(target))
        for key in _do(here, "execute_command", "CLUSTER GETKEYSINSLOT", slot, 1000):
            _do(here, "execute_command", "MIGRATE", "127.0.0.1", target.port, key, 0, 1000)
        for master in (target, source):
            _do(master.port, "execute_command", "CLUSTER SETSLOT", slot, "NODE", self.id_of(target))

    def close(self) -> None:
        for node in (*self.masters, *self.replicas):
            node.close()


def until(holds: Callable[[], bool]) -> None:
    """Returns when the condition holds."""
    end = time.monotonic() + WAIT_S
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("the Redis servers did not get there")
        time.sleep(0.05)


def _do(port: int, method: str, *arguments: object) -> Any:
    """Calls a method of redis-py on a connection of its own."""
    with Redis(port=port, socket_timeout=5) as client:
        return getattr(client, method)(*arguments)
