"""What the gateway calls: an adapter where the settings give an address, else the app in this process."""

from __future__ import annotations

from typing import TypeVar

from scenograph.cli.compose.apps import Apps
from scenograph.gateway.remote import Remote
from scenograph.gateway.remote_encoder import RemoteEncoder
from scenograph.gateway.remote_hashing import RemoteHashing
from scenograph.gateway.remote_index import RemoteIndex
from scenograph.gateway.remote_matching import RemoteMatching
from scenograph.gateway.remote_textual import RemoteTextualGraphs
from scenograph.gateway.remote_visual import RemoteVisualGraphs
from scenograph.runtime.contracts import Encoder, Hashing, Index, Matching, TextualGraphs, VisualGraphs

R = TypeVar("R", bound=Remote)


class Reached:
    """The six services as the gateway reaches them."""

    def __init__(self, apps: Apps) -> None:
        self._apps = apps
        self._settings = apps.parts.settings.gateway

    def visual(self) -> VisualGraphs:
        address = self._settings.visual_address
        return self._open(RemoteVisualGraphs(address)) if address else self._apps.visual

    def textual(self) -> TextualGraphs:
        address = self._settings.textual_address
        return self._open(RemoteTextualGraphs(address)) if address else self._apps.textual

    def encoder(self) -> Encoder:
        address = self._settings.encoder_address
        return self._open(RemoteEncoder(address)) if address else self._apps.encoder

    def hashing(self) -> Hashing:
        address = self._settings.hashing_address
        return self._open(RemoteHashing(address)) if address else self._apps.hashing

    def matching(self) -> Matching:
        address = self._settings.matching_address
        return self._open(RemoteMatching(address)) if address else self._apps.matching

    def index(self) -> Index:
        address = self._settings.index_address
        return self._open(RemoteIndex(address)) if address else self._apps.index

    def _open(self, remote: R) -> R:
        self._apps.parts.closing.push_async_callback(remote.close)
        return remote
