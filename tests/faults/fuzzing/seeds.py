"""A valid request, or several, of every RPC, and how often each is taken: what costs much, seldom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from google.protobuf.message import Message

from scenograph.oip import inference_pb2 as oip
from scenograph.v1 import admin_pb2 as admin
from scenograph.v1 import common_pb2 as common
from scenograph.v1 import encoder_pb2 as encoder
from scenograph.v1 import gateway_pb2 as gateway
from scenograph.v1 import hashing_pb2 as hashing
from scenograph.v1 import index_pb2 as index
from scenograph.v1 import matching_pb2 as matching
from scenograph.v1 import textual_pb2 as textual
from scenograph.v1 import visual_pb2 as visual
from tests.faults.fuzzing import images
from tests.faults.sentences import sentences

FUZZED = "fuzzed"
CODES = "fuzzed-codes"
PACK = "test@1.0.0"
COLLECTIONS = (FUZZED, CODES)


@dataclass(frozen=True, slots=True)
class Seed:
    """A method's name, its requests (several of a stream), and the weight of its choice."""

    method: str
    requests: list[Message] = field(repr=False)
    weight: float = 1.0


def record(name: str) -> index.Record:
    """A record for the collection of codes."""
    entry = index.Entry(
        modality=common.MODALITY_TEXT,
        text=name,
        embedding=common.Embedding(values=[1.0] + [0.0] * 15),
        code=common.HashCode(bits=bytes(32), length=256),
        graph=graph(),
    )
    made = index.Record(id=name, entries=[entry], pack_version=PACK)
    made.metadata["year"] = 2020
    return made


def graph() -> common.SceneGraph:
    """Two nodes and an edge."""
    box = common.Box()
    return common.SceneGraph(
        nodes=[
            common.Node(label="dog", attributes=[common.Attribute(name="red", score=1)], score=1, box=box),
            common.Node(label="sofa", score=0.5),
        ],
        edges=[common.Edge(subject=0, predicate="on", object=1, score=1)],
        tags=[common.Tag(label="indoor", score=0.5)],
    )


def _query(text: str) -> gateway.Query:
    return gateway.Query(parts=[gateway.QueryPart(text=text, weight=1)])


def _queries() -> Iterator[gateway.Query]:
    yield from (_query(text) for text, _ in zip(sentences(3), range(6), strict=False))
    yield gateway.Query(parts=[gateway.QueryPart(graph_expression="(dog {red})-[on]->(sofa), not (cat)")])
    yield gateway.Query(parts=[gateway.QueryPart(item_id="a")])
    required = common.GraphQuery(
        required=graph(), forbidden=common.SceneGraph(nodes=[common.Node(label="cat")])
    )
    yield gateway.Query(
        parts=[gateway.QueryPart(graph=required), gateway.QueryPart(text="a dog", weight=0.5)]
    )


def _search(query: gateway.Query) -> gateway.SearchRequest:
    options = gateway.RankingOptions()
    return gateway.SearchRequest(
        collection=FUZZED,
        query=query,
        filter='topic = "space" OR year > 3',
        page_size=5,
        explain=True,
        options=options,
    )


def _item(name: str, image: bytes = b"") -> gateway.Item:
    item = gateway.Item(id=name, texts=["a dog on a sofa", "a cat"])
    if image:
        item.image.content = image
    item.metadata["topic"] = "space"
    item.metadata["year"] = 4
    return item


def _infer() -> oip.ModelInferRequest:
    tensor = oip.ModelInferRequest.InferInputTensor(
        name="text",
        datatype="BYTES",
        shape=[1],
        contents=oip.InferTensorContents(bytes_contents=[b"a dog"]),
    )
    return oip.ModelInferRequest(model_name="encode_text", id="1", inputs=[tensor])


def _infer_raw() -> oip.ModelInferRequest:
    tensor = oip.ModelInferRequest.InferInputTensor(name="embedding", datatype="FP32", shape=[1, 960])
    return oip.ModelInferRequest(model_name="hash_head", inputs=[tensor], raw_input_contents=[bytes(960 * 4)])


def seeds() -> list[Seed]:
    """All of them; the same image files and sentences each time."""
    pictures = images.sound()
    pixels = [common.Image(content=content) for content in pictures]
    made: list[Seed] = []

    def add(service: str, method: str, *requests: Message, weight: float = 1.0, stream: bool = False) -> None:
        name = f"{service}/{method}"
        if stream:
            made.append(Seed(name, list(requests), weight))
        else:
            made.extend(Seed(name, [request], weight / len(requests)) for request in requests)

    add(
        "VisualGraphService",
        "BuildVisualGraph",
        *(visual.BuildVisualGraphRequest(image=p) for p in pixels),
        weight=0.4,
    )
    add("VisualGraphService", "BuildVisualGraphs", visual.BuildVisualGraphsRequest(images=pixels), weight=0.1)
    stream = [visual.StreamVisualGraphsRequest(id=str(n), image=p) for n, p in enumerate(pixels)]
    add("VisualGraphService", "StreamVisualGraphs", *stream, weight=0.1, stream=True)
    add("TextualGraphService", "ParseText", textual.ParseTextRequest(text="a man on a red horse"), weight=3)
    add("TextualGraphService", "ParseTexts", textual.ParseTextsRequest(texts=["a dog", "two cats"]), weight=2)
    texts = [textual.StreamTextsRequest(id=t, text=t) for t in ("a dog", "a cat")]
    add("TextualGraphService", "StreamTexts", *texts, weight=2, stream=True)
    inputs = [encoder.ImageInput(image=p) for p in pixels[:2]]
    add("EncoderService", "EncodeImages", encoder.EncodeImagesRequest(images=inputs), weight=0.2)
    add("EncoderService", "EncodeTexts", encoder.EncodeTextsRequest(texts=["a dog", "a cat"]), weight=2)
    add("EncoderService", "EncodeGraphs", encoder.EncodeGraphsRequest(graphs=[graph()]), weight=2)
    embedding = common.Embedding(values=[0.1] * 960)
    add("HashingService", "Hash", hashing.HashRequest(embeddings=[embedding], bits=64), weight=2)
    match = matching.MatchRequest(
        query=common.GraphQuery(optional=graph()), candidates=[graph(), graph()], explain=True
    )
    add("MatchingService", "Match", match, weight=4)

    for name in ("ServerLive", "ServerReady", "ServerMetadata", "RepositoryIndex"):
        add("GRPCInferenceService", name, getattr(oip, f"{name}Request")(), weight=0.2)
    for name in ("ModelReady", "ModelMetadata"):
        add(
            "GRPCInferenceService",
            name,
            getattr(oip, f"{name}Request")(name="hash_head", version=""),
            weight=0.5,
        )
    add("GRPCInferenceService", "ModelInfer", _infer(), _infer_raw(), weight=3)
    add("GRPCInferenceService", "ModelStreamInfer", _infer(), _infer_raw(), weight=1, stream=True)
    for name in ("RepositoryModelLoad", "RepositoryModelUnload"):
        add("GRPCInferenceService", name, getattr(oip, f"{name}Request")(model_name="image_head"), weight=0.2)

    new = index.IndexServiceCreateCollectionRequest(name="fuzz-new", pack_version=PACK, bits=64)
    add("IndexService", "CreateCollection", new, weight=0.2)
    add("IndexService", "GetCollection", index.GetCollectionRequest(name=CODES))
    add(
        "IndexService",
        "ListCollections",
        index.IndexServiceListCollectionsRequest(page_size=2, page_token="x"),
    )
    add(
        "IndexService",
        "DeleteCollection",
        index.IndexServiceDeleteCollectionRequest(name="fuzz-new"),
        weight=0.2,
    )
    writes = [
        index.Write(record=record(n), request_id=n, content_digest=b"d" * 32, original=b"o") for n in "ab"
    ]
    add("IndexService", "Upsert", index.UpsertRequest(collection=CODES, writes=writes), weight=4)
    add("IndexService", "Get", index.GetRequest(collection=CODES, ids=["a", "b", "none"]))
    add("IndexService", "Delete", index.DeleteRequest(collection=CODES, ids=["b", "none"]))
    listed = index.IndexServiceListItemsRequest(collection=CODES, page_size=2, filter="year > 3", brief=True)
    add("IndexService", "ListItems", listed, weight=2)
    found = index.IndexServiceSearchRequest(
        collection=CODES,
        code=record("q").entries[0].code,
        embedding=record("q").entries[0].embedding,
        filter="year > 3",
        coarse_candidates=10,
        with_graphs=2,
        pack_version=PACK,
    )
    found.levels.add().SetInParent()
    plain = index.IndexServiceSearchRequest()
    plain.CopyFrom(found)
    plain.ClearField("levels")
    add("IndexService", "Search", found, plain, weight=6)
    add(
        "IndexService",
        "CreateSnapshot",
        index.CreateSnapshotRequest(collection=CODES, snapshot="fuzz"),
        weight=0.2,
    )
    add("IndexService", "ListSnapshots", index.ListSnapshotsRequest(collection=CODES, page_size=3))
    restored = index.RestoreSnapshotRequest(snapshot="fuzz", collection="fuzz-new")
    add("IndexService", "RestoreSnapshot", restored, weight=0.2)
    add("IndexService", "DeleteSnapshot", index.DeleteSnapshotRequest(snapshot="fuzz"), weight=0.1)

    for name in ("LoadPack", "UnloadPack", "SetDefaultPack"):
        add("AdminService", name, getattr(admin, f"{name}Request")(pack="default@0.0.0"), weight=0.2)
    add("AdminService", "ListPacks", admin.ListPacksRequest(), weight=0.2)
    for name in ("ReencodeCollection", "GetReencoding", "CancelReencoding"):
        add("AdminService", name, getattr(admin, f"{name}Request")(collection=FUZZED), weight=0.3)
    add("AdminService", "ListReencodings", admin.ListReencodingsRequest(), weight=0.2)

    add(
        "GatewayService",
        "CreateCollection",
        gateway.CreateCollectionRequest(name="fuzz-new", bits=64),
        weight=0.2,
    )
    add("GatewayService", "ListCollections", gateway.ListCollectionsRequest(page_size=2))
    add("GatewayService", "DeleteCollection", gateway.DeleteCollectionRequest(name="fuzz-new"), weight=0.2)
    plain_items = [gateway.IngestRequest(collection=FUZZED, item=_item(n), request_id=n) for n in "abc"]
    add("GatewayService", "Ingest", *plain_items, weight=3, stream=True)
    photo = gateway.IngestRequest(collection=FUZZED, item=_item("p", pictures[0]))
    add("GatewayService", "Ingest", plain_items[0], photo, weight=0.3, stream=True)
    batch = gateway.BatchIngestRequest(collection=FUZZED, items=[_item("d"), _item("e")], request_id="r")
    add("GatewayService", "BatchIngest", batch, weight=2)
    add("GatewayService", "GetItem", gateway.GetItemRequest(collection=FUZZED, id="a"), weight=2)
    listing = gateway.ListItemsRequest(collection=FUZZED, page_size=2, filter='topic = "space"')
    add("GatewayService", "ListItems", listing, weight=2)
    add("GatewayService", "DeleteItems", gateway.DeleteItemsRequest(collection=FUZZED, ids=["c"]))
    add("GatewayService", "Search", *map(_search, _queries()), weight=10)
    pictured = gateway.Query(parts=[gateway.QueryPart(image=pixels[0])])
    add("GatewayService", "Search", _search(pictured), weight=0.3)
    streamed = [gateway.SearchStreamRequest(search=_search(query)) for query in _queries()]
    add("GatewayService", "SearchStream", *streamed, weight=3)
    candidates = [gateway.RankCandidate(id="1", text="a dog"), gateway.RankCandidate(id="2", text="a cat")]
    ranked = gateway.RankRequest(query=_query("a dog"), candidates=candidates, explain=True)
    add("GatewayService", "Rank", ranked, weight=3)
    chunks = [
        gateway.UploadImageRequest(chunk=pictures[1][:500]),
        gateway.UploadImageRequest(chunk=b"x" * 100),
    ]
    add("GatewayService", "UploadImage", *chunks, weight=0.5, stream=True)
    add("GatewayService", "ServerInfo", gateway.ServerInfoRequest(), weight=0.2)
    return made
