"""The Python client: `Client`, and `AsyncClient` with the same methods to await.

It needs grpcio and protobuf alone, and answers with frozen dataclasses. Guide: docs/guides/client.md.
"""

from scenograph.client.aio import AsyncClient
from scenograph.client.arguments import Candidate, Item, Part
from scenograph.client.errors import ScenographError
from scenograph.client.graphs import Attribute, Box, Edge, GraphQuery, Node, SceneGraph, Span, Tag
from scenograph.client.packs import LoadedPack, Reencoding
from scenograph.client.results import (
    Collection,
    Deletion,
    Description,
    Hit,
    IngestStatus,
    ItemPage,
    Match,
    Page,
    Report,
    ScoreParts,
    ServerInfo,
    StagePage,
    StoredItem,
)
from scenograph.client.sync import Client
from scenograph.client.tls import TLS

__all__ = [
    "TLS",
    "AsyncClient",
    "Attribute",
    "Box",
    "Candidate",
    "Client",
    "Collection",
    "Deletion",
    "Description",
    "Edge",
    "GraphQuery",
    "Hit",
    "IngestStatus",
    "Item",
    "ItemPage",
    "LoadedPack",
    "Match",
    "Node",
    "Page",
    "Part",
    "Reencoding",
    "Report",
    "SceneGraph",
    "ScenographError",
    "ScoreParts",
    "ServerInfo",
    "Span",
    "StagePage",
    "StoredItem",
    "Tag",
]
