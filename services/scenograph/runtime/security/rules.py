"""What each method asks of its caller: the one table of all services. A method that is not in it is refused.

A role counts in the collection that the request names; where it names none, in any, or in all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from scenograph.runtime.principal import ANY_COLLECTION, Principal, Role
from scenograph.scene.errors import PermissionDenied

SOMEWHERE: Final = ""
"""The role is needed in any one collection: the request is of none."""
EVERYWHERE: Final = ANY_COLLECTION
"""The role is needed for all collections ("*"): what the method does concerns the whole server."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`collection`: the request's field that names it, SOMEWHERE or EVERYWHERE. `empty`: what an empty name
    stands for; None: that of the message before, in a stream. `ids`: the request's field of the items' ids,
    `reads`: the answer's field of the items that it gives away, both for the records. `counted`: whether
    calls use up the caller's quota. `content`: whether the request holds a query, of which only a digest is
    recorded.
    """

    role: Role
    collection: str = SOMEWHERE
    empty: str | None = ""
    ids: str = ""
    reads: str = ""
    counted: bool = True
    content: bool = False

    @property
    def changes(self) -> bool:
        """Whether the method changes what is kept or served: its calls are recorded before they are done."""
        return self.role >= Role.WRITER

    def named(self, request: Message) -> str:
        """The collection of a request, by itself."""
        if self.collection in (SOMEWHERE, EVERYWHERE):
            return ""
        found = next(values(request, self.collection), "")
        return str(found) or self.empty or ""

    def check(self, principal: Principal, collection: str) -> None:
        """Errors: PermissionDenied, which says which role is missing where."""
        where = EVERYWHERE if self.collection == EVERYWHERE else collection
        if self.collection == SOMEWHERE:
            held, place = principal.highest_role(), "in a collection"
        else:
            held = principal.role_in(where)
            place = "for all collections" if where == EVERYWHERE else f"in collection {where!r}"
        if held < self.role:
            raise PermissionDenied(
                f"{principal.name!r} needs the role {self.role.name.lower()} {place}",
                metadata={"role": self.role.name.lower(), "collection": where},
            )


_READ, _WRITE, _ADMIN = Role.READER, Role.WRITER, Role.ADMIN
_SERVER = Rule(_ADMIN, EVERYWHERE)
_ANY = Rule(_READ)
_SCENOGRAPH: dict[str, dict[str, Rule]] = {
    "GatewayService": {
        "CreateCollection": Rule(_ADMIN, "name"),
        "ListCollections": _ANY,  # gives those that the caller has a role in
        "DeleteCollection": Rule(_ADMIN, "name"),
        "Ingest": Rule(_WRITE, "collection", empty=None, ids="item.id"),
        "BatchIngest": Rule(_WRITE, "collection", ids="items.id"),
        "GetItem": Rule(_READ, "collection", ids="id", reads="item"),
        "ListItems": Rule(_READ, "collection", reads="items"),
        "DeleteItems": Rule(_WRITE, "collection", ids="ids"),
        "Search": Rule(_READ, "collection", reads="hits", content=True),
        "SearchStream": Rule(_READ, "search.collection", reads="page.hits", content=True),
        "Rank": Rule(_READ, content=True),
        "UploadImage": _ANY,
        "ServerInfo": _ANY,
    },
    "IndexService": {
        "CreateCollection": Rule(_ADMIN, "name"),
        "GetCollection": Rule(_READ, "name"),
        "ListCollections": _ANY,
        "DeleteCollection": Rule(_ADMIN, "name"),
        "Upsert": Rule(_WRITE, "collection", ids="writes.record.id"),
        "Get": Rule(_READ, "collection", ids="ids", reads="records"),
        "Delete": Rule(_WRITE, "collection", ids="ids"),
        "ListItems": Rule(_READ, "collection", reads="records"),
        "Search": Rule(_READ, "collection", reads="hits", content=True),
        "CreateSnapshot": Rule(_ADMIN, "collection"),
        "ListSnapshots": Rule(_ADMIN, "collection", empty=EVERYWHERE),
        # A snapshot may be of any collection: whoever restores one to their own would read another's.
        "RestoreSnapshot": _SERVER,
        "DeleteSnapshot": _SERVER,
    },
    "AdminService": {
        "LoadPack": _SERVER,
        "UnloadPack": _SERVER,
        "SetDefaultPack": _SERVER,
        "ListPacks": _SERVER,
        "ReencodeCollection": _SERVER,
        "GetReencoding": _SERVER,
        "ListReencodings": _SERVER,
        "CancelReencoding": _SERVER,
    },
    "VisualGraphService": dict.fromkeys(
        ("BuildVisualGraph", "BuildVisualGraphs", "StreamVisualGraphs"), _ANY
    ),
    "TextualGraphService": dict.fromkeys(("ParseText", "ParseTexts", "StreamTexts"), _ANY),
    "EncoderService": dict.fromkeys(("EncodeImages", "EncodeTexts", "EncodeGraphs"), _ANY),
    "HashingService": {"Hash": _ANY},
    "MatchingService": {"Match": _ANY},
}
_INFERENCE: dict[str, Rule] = {
    "ServerLive": _ANY,
    "ServerReady": _ANY,
    "ModelReady": _ANY,
    "ServerMetadata": _ANY,
    "ModelMetadata": _ANY,
    "ModelInfer": _ANY,
    "ModelStreamInfer": _ANY,
    "RepositoryIndex": _ANY,
    "RepositoryModelLoad": _SERVER,
    "RepositoryModelUnload": _SERVER,
}
REFLECTION = "grpc.reflection.v1alpha.ServerReflection"
RULES: dict[str, Rule] = {
    **{
        f"/scenograph.v1.{service}/{method}": rule
        for service, methods in _SCENOGRAPH.items()
        for method, rule in methods.items()
    },
    **{f"/inference.GRPCInferenceService/{method}": rule for method, rule in _INFERENCE.items()},
    f"/{REFLECTION}/ServerReflectionInfo": Rule(_READ, counted=False),
}
"""Called method -> its rule. Health (grpc.health.v1) is open to all: it tells of no data."""


def rule_of(method: str) -> Rule:
    """Errors: PermissionDenied, for a method that the table lacks."""
    try:
        return RULES[method]
    except KeyError:
        raise PermissionDenied(f"nobody may call {method.removeprefix('/')}: it has no rule") from None


def values(message: Any, path: str) -> Iterator[Any]:
    """What a message has at a dotted path, each entry of the lists on the way."""
    name, _, rest = path.partition(".")
    found = getattr(message, name)
    several = message.DESCRIPTOR.fields_by_name[name].is_repeated
    for value in found if several else (found,):
        if rest:
            yield from values(value, rest)
        else:
            yield value


def count(answer: Message | bytes, path: str) -> int:
    """How many messages an answer has at a path of a field or two; it may be written already."""
    if not path:
        return 0
    if isinstance(answer, bytes):
        return _count_written(answer)
    name, _, rest = path.partition(".")
    if rest:
        return count(getattr(answer, name), rest) if getattr(answer, "final", True) else 0
    if answer.DESCRIPTOR.fields_by_name[name].is_repeated:
        return len(getattr(answer, name))
    return int(answer.HasField(name))


_FIRST_FIELD = 0x0A
"""The tag of field 1 with a length: `hits` of an answer to a search, the one kind that is kept as written."""


def _count_written(message: bytes) -> int:
    """How many messages a written message has in its field 1, skipping their contents."""
    place, found = 0, 0
    while place < len(message) and message[place] == _FIRST_FIELD:
        length, shift, place = 0, 0, place + 1
        while True:
            byte = message[place]
            length |= (byte & 0x7F) << shift
            place, shift = place + 1, shift + 7
            if byte < 0x80:
                break
        place, found = place + length, found + 1
    return found
