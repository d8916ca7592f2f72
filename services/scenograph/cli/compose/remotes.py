"""The services in other processes: an adapter for each that the settings give an address."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TypeVar

from scenograph.gateway.remote import Remote
from scenograph.gateway.remote_encoder import RemoteEncoder
from scenograph.gateway.remote_hashing import RemoteHashing
from scenograph.gateway.remote_index import RemoteIndex
from scenograph.gateway.remote_matching import RemoteMatching
from scenograph.gateway.remote_textual import RemoteTextualGraphs
from scenograph.gateway.remote_visual import RemoteVisualGraphs
from scenograph.runtime.settings import GatewaySettings

R = TypeVar("R", bound=Remote)


class Reached:
    """The six services; None where one is in this process."""

    def __init__(self, settings: GatewaySettings, closing: AsyncExitStack, service_key: str = "") -> None:
        def open_at(address: str, adapter: Callable[[str], R]) -> R | None:
            if not address:
                return None
            remote = adapter(address)
            remote.service_key = service_key
            closing.push_async_callback(remote.close)
            return remote

        self.visual = open_at(settings.visual_address, RemoteVisualGraphs)
        self.textual = open_at(settings.textual_address, RemoteTextualGraphs)
        self.encoder = open_at(settings.encoder_address, RemoteEncoder)
        self.hashing = open_at(settings.hashing_address, RemoteHashing)
        self.matching = open_at(settings.matching_address, RemoteMatching)
        self.index = open_at(settings.index_address, RemoteIndex)
