"""What callers hand to the client: items, parts of queries, candidates, and the options of a search."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypedDict

from scenograph.client.graphs import GraphQuery, SceneGraph

ImageSource: TypeAlias = "str | os.PathLike[str] | bytes"
"""A picture: the path of a JPEG, PNG or WebP file, or the file's bytes."""

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
Graph: TypeAlias = "str | GraphQuery | SceneGraph"
"""A graph query in words, "(dog)-[on]->(sofa {red}), not (cat)", or as objects (a SceneGraph: all of it)."""

StageName: TypeAlias = Literal["coarse", "float", "graph"]
ModalityName: TypeAlias = Literal["image", "text"]
ParserName: TypeAlias = Literal["neural", "rules"]


@dataclass(frozen=True, slots=True)
class Item:
    """What is stored: an image, texts, or both; written once under one `request_id`.

    `access_labels`: only who holds one of them sees it. `blur_faces`: nothing else of the image is used, or
    kept.
    """

    id: str
    image: ImageSource | None = None
    texts: Sequence[str] = ()
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    request_id: str = ""
    access_labels: Sequence[str] = ()
    blur_faces: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a weighted query: exactly one of text, image, graph and item_id."""

    text: str | None = None
    image: ImageSource | None = None
    graph: Graph | None = None
    item_id: str | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate of `rank`: a text or an image; `id` comes back as the hit's id (empty: its position)."""

    text: str | None = None
    image: ImageSource | None = None
    id: str = ""


class QueryArguments(TypedDict, total=False):
    """What to look for. Several of the first four mix with equal weights; `parts` makes a weighted mix."""

    text: str | None
    image: ImageSource | None
    graph: Graph | None
    item_id: str | None
    parts: Sequence[Part]


class SearchArguments(QueryArguments, total=False):
    """A search's query and how to answer it.

    `weights` has any of "coarse", "cosine" and "graph", `level_weights` any of "scene", "object", "relation"
    and "label", `match_weights` any of "learned" and "symbolic"; one left out of its mapping is 0, and
    without the mapping the pack's own weights serve.
    """

    filter: str  # metadata filter, such as 'year >= 2020 AND tag = "beach"'
    limit: int  # at most this many hits a page; the default is 10
    returning: ModalityName  # "image" (the default) or "text"
    explain: bool  # fill each hit's matches, unmatched parts and graph
    stage: StageName  # stop after this stage; the default is "graph"
    coarse_candidates: int  # how many the Hamming stage keeps; the default is 1000
    graph_candidates: int  # how many are matched graph by graph; the default is 100
    weights: Mapping[str, float]
    level_weights: Mapping[str, float]
    match_weights: Mapping[str, float]
    bypass_cache: bool
    exact: bool  # look at every entry, also of a large collection
