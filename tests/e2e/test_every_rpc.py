"""Every RPC of every service over a real connection; an RPC without a case here fails the test."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor

from scenograph.oip import inference_pb2, inference_pb2_grpc
from scenograph.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    common_pb2,
    encoder_pb2,
    encoder_pb2_grpc,
    gateway_pb2,
    gateway_pb2_grpc,
    hashing_pb2,
    hashing_pb2_grpc,
    index_pb2,
    index_pb2_grpc,
    matching_pb2,
    matching_pb2_grpc,
    textual_pb2,
    textual_pb2_grpc,
    visual_pb2,
    visual_pb2_grpc,
)
from tests.e2e.conftest import PHOTOS
from tests.e2e.photos import CAT, COFFEE, ITEMS, MOTORCYCLE

FILES = (
    admin_pb2,
    encoder_pb2,
    gateway_pb2,
    hashing_pb2,
    index_pb2,
    inference_pb2,
    matching_pb2,
    textual_pb2,
    visual_pb2,
)
SERVICES: list[ServiceDescriptor] = [
    service for file in FILES for service in file.DESCRIPTOR.services_by_name.values()
]
RPCS = [f"{service.name}/{method.name}" for service in SERVICES for method in service.methods]
Case = Callable[[grpc.Channel], None]
CASES: dict[str, Case] = {}


def case(*names: str) -> Callable[[Case], Case]:
    """Makes a function the case of one RPC, or of some that only make sense together."""

    def add(test: Case) -> Case:
        assert set(names) <= set(RPCS) and not set(names) & set(CASES)
        CASES.update(dict.fromkeys(names, test))
        return test

    return add


def test_every_rpc_has_a_case() -> None:
    assert sorted(CASES) == sorted(RPCS)


def _image(data: bytes) -> common_pb2.Image:
    return common_pb2.Image(content=data)


def _labels(graph: common_pb2.SceneGraph) -> set[str]:
    return {node.lemma or node.label for node in graph.nodes} | {tag.label for tag in graph.tags}


# Visual and textual graphs


@case("VisualGraphService/BuildVisualGraph")
def build_visual_graph(channel: grpc.Channel) -> None:
    request = visual_pb2.BuildVisualGraphRequest(image=_image(CAT), include_features=True)
    answer = visual_pb2_grpc.VisualGraphServiceStub(channel).BuildVisualGraph(request)
    assert "cat" in _labels(answer.visual.graph)
    assert (answer.visual.width, answer.visual.height) == (451, 300)
    assert len(answer.visual.features.class_probabilities) == 1000
    assert answer.pack_version.startswith("default@") and answer.timings


@case("VisualGraphService/BuildVisualGraphs")
def build_visual_graphs(channel: grpc.Channel) -> None:
    images = [_image(MOTORCYCLE), _image(b"not a picture"), _image(COFFEE)]
    request = visual_pb2.BuildVisualGraphsRequest(images=images)
    first, second, third = visual_pb2_grpc.VisualGraphServiceStub(channel).BuildVisualGraphs(request).results
    assert "motorcycle" in _labels(first.visual.graph) and "cup" in _labels(third.visual.graph)
    assert (second.status.reason, second.HasField("visual")) == ("INVALID_IMAGE", False)


@case("VisualGraphService/StreamVisualGraphs")
def stream_visual_graphs(channel: grpc.Channel) -> None:
    pictures = (("a", CAT), ("b", b"no"), ("c", COFFEE))
    requests = (visual_pb2.StreamVisualGraphsRequest(id=i, image=_image(data)) for i, data in pictures)
    answers = list(visual_pb2_grpc.VisualGraphServiceStub(channel).StreamVisualGraphs(requests))
    assert [(answer.id, answer.result.status.code == 0) for answer in answers] == [
        ("a", True),
        ("b", False),
        ("c", True),
    ]


@case("TextualGraphService/ParseText")
def parse_text(channel: grpc.Channel) -> None:
    stub = textual_pb2_grpc.TextualGraphServiceStub(channel)
    graph = stub.ParseText(textual_pb2.ParseTextRequest(text="a man riding a brown horse")).graph
    assert [node.lemma or node.label for node in graph.nodes] == ["man", "horse"]
    assert [attribute.name for attribute in graph.nodes[1].attributes] == ["brown"]
    assert [(edge.subject, edge.object) for edge in graph.edges] == [(0, 1)]


@case("TextualGraphService/ParseTexts")
def parse_texts(channel: grpc.Channel) -> None:
    request = textual_pb2.ParseTextsRequest(texts=["two dogs", "", "no cat"])
    dogs, empty, cat = textual_pb2_grpc.TextualGraphServiceStub(channel).ParseTexts(request).results
    assert dogs.graph.nodes[0].count == 2 and cat.graph.nodes[0].negated
    assert empty.status.reason == "INVALID_TEXT"


@case("TextualGraphService/StreamTexts")
def stream_texts(channel: grpc.Channel) -> None:
    requests = (textual_pb2.StreamTextsRequest(id=text, text=text) for text in ("a dog", "a cat"))
    answers = list(textual_pb2_grpc.TextualGraphServiceStub(channel).StreamTexts(requests))
    assert [answer.id for answer in answers] == ["a dog", "a cat"]
    assert answers[1].result.graph.nodes[0].label == "cat"


# Encoder, hashing, matching


def _dot(one: common_pb2.Embedding, other: common_pb2.Embedding) -> float:
    return sum(a * b for a, b in zip(one.values, other.values, strict=True))


@case("EncoderService/EncodeImages")
def encode_images(channel: grpc.Channel) -> None:
    visual = visual_pb2_grpc.VisualGraphServiceStub(channel).BuildVisualGraph(
        visual_pb2.BuildVisualGraphRequest(image=_image(CAT), include_features=True)
    )
    inputs = [
        encoder_pb2.ImageInput(image=_image(CAT)),
        encoder_pb2.ImageInput(features=visual.visual.features),
    ]
    request = encoder_pb2.EncodeImagesRequest(images=inputs)
    image, features = encoder_pb2_grpc.EncoderServiceStub(channel).EncodeImages(request).embeddings
    assert len(image.values) == 960 and _dot(image, image) == pytest.approx(1, abs=1e-4)
    assert _dot(image, features) == pytest.approx(1, abs=1e-3)


@case("EncoderService/EncodeTexts")
def encode_texts(channel: grpc.Channel) -> None:
    request = encoder_pb2.EncodeTextsRequest(texts=["a dog", "a puppy", "a steam engine"])
    dog, puppy, engine = encoder_pb2_grpc.EncoderServiceStub(channel).EncodeTexts(request).embeddings
    assert _dot(dog, puppy) > _dot(dog, engine)


@case("EncoderService/EncodeGraphs")
def encode_graphs(channel: grpc.Channel) -> None:
    stub = textual_pb2_grpc.TextualGraphServiceStub(channel)
    texts = ["a dog on a sofa", "a puppy on a couch", "a rocket in the sky"]
    graphs = [result.graph for result in stub.ParseTexts(textual_pb2.ParseTextsRequest(texts=texts)).results]
    request = encoder_pb2.EncodeGraphsRequest(graphs=graphs)
    dog, puppy, rocket = encoder_pb2_grpc.EncoderServiceStub(channel).EncodeGraphs(request).embeddings
    assert _dot(dog, puppy) > _dot(dog, rocket)


@case("HashingService/Hash")
def hash_embeddings(channel: grpc.Channel) -> None:
    texts = encoder_pb2.EncodeTextsRequest(texts=["a dog", "a cat"])
    embeddings = encoder_pb2_grpc.EncoderServiceStub(channel).EncodeTexts(texts).embeddings
    stub = hashing_pb2_grpc.HashingServiceStub(channel)
    long = stub.Hash(hashing_pb2.HashRequest(embeddings=embeddings)).codes
    short = stub.Hash(hashing_pb2.HashRequest(embeddings=embeddings, bits=64)).codes
    assert [(code.length, len(code.bits)) for code in long] == [(256, 32)] * 2
    assert [code.bits for code in short] == [code.bits[:8] for code in long]


@case("MatchingService/Match")
def match(channel: grpc.Channel) -> None:
    stub = textual_pb2_grpc.TextualGraphServiceStub(channel)
    texts = ["a puppy on a sofa", "a dog on a couch", "a bowl of soup"]
    query, *candidates = (
        result.graph for result in stub.ParseTexts(textual_pb2.ParseTextsRequest(texts=texts)).results
    )
    request = matching_pb2.MatchRequest(
        query=common_pb2.GraphQuery(optional=query), candidates=candidates, explain=True
    )
    couch, soup = matching_pb2_grpc.MatchingServiceStub(channel).Match(request).alignments
    assert couch.score > soup.score
    assert ("puppy", "dog") in {(m.query_label, m.candidate_label) for m in couch.node_matches}
    assert soup.unmatched


# Inference: any client of the protocol; tests/inference has one that is not ours


def _inference(channel: grpc.Channel) -> inference_pb2_grpc.GRPCInferenceServiceStub:
    return inference_pb2_grpc.GRPCInferenceServiceStub(channel)


def _infer_request(text: str) -> inference_pb2.ModelInferRequest:
    contents = inference_pb2.InferTensorContents(bytes_contents=[text.encode()])
    tensor = inference_pb2.ModelInferRequest.InferInputTensor(
        name="text", datatype="BYTES", shape=[1], contents=contents
    )
    return inference_pb2.ModelInferRequest(model_name="encode_text", id=text, inputs=[tensor])


@case("GRPCInferenceService/ServerLive", "GRPCInferenceService/ServerReady")
def inference_server(channel: grpc.Channel) -> None:
    assert _inference(channel).ServerLive(inference_pb2.ServerLiveRequest()).live
    assert _inference(channel).ServerReady(inference_pb2.ServerReadyRequest()).ready


@case("GRPCInferenceService/ServerMetadata", "GRPCInferenceService/ModelMetadata")
def inference_metadata(channel: grpc.Channel) -> None:
    server = _inference(channel).ServerMetadata(inference_pb2.ServerMetadataRequest())
    model = _inference(channel).ModelMetadata(inference_pb2.ModelMetadataRequest(name="hash_head"))
    assert server.name == "scenograph"
    assert [(one.name, one.datatype, list(one.shape)) for one in model.inputs] == [
        ("embedding", "FP32", [-1, 960])
    ]


@case("GRPCInferenceService/ModelInfer", "GRPCInferenceService/ModelStreamInfer")
def inference_infer(channel: grpc.Channel) -> None:
    request = encoder_pb2.EncodeTextsRequest(texts=["a dog"])
    (embedding,) = encoder_pb2_grpc.EncoderServiceStub(channel).EncodeTexts(request).embeddings
    answer = _inference(channel).ModelInfer(_infer_request("a dog"))
    assert answer.outputs[0].contents.fp32_contents == embedding.values
    streamed = list(_inference(channel).ModelStreamInfer(map(_infer_request, ["a dog", "", "a cat"])))
    assert [one.infer_response.id for one in streamed] == ["a dog", "", "a cat"]
    assert [bool(one.error_message) for one in streamed] == [False, True, False]
    assert streamed[0].infer_response.outputs == answer.outputs
    assert streamed[0].infer_response.parameters["triton_final_response"].bool_param


@case(
    "GRPCInferenceService/RepositoryIndex",
    "GRPCInferenceService/RepositoryModelLoad",
    "GRPCInferenceService/RepositoryModelUnload",
    "GRPCInferenceService/ModelReady",
)
def inference_repository(channel: grpc.Channel) -> None:
    stub, ready = _inference(channel), inference_pb2.ModelReadyRequest(name="image_head")
    stub.RepositoryModelUnload(inference_pb2.RepositoryModelUnloadRequest(model_name="image_head"))
    try:
        assert not stub.ModelReady(ready).ready
        listed = stub.RepositoryIndex(inference_pb2.RepositoryIndexRequest()).models
        assert [one.name for one in listed if one.state == "UNAVAILABLE"] == ["image_head"]
        images = [encoder_pb2.ImageInput(image=_image(CAT))]
        encoder = encoder_pb2_grpc.EncoderServiceStub(channel)
        assert encoder.EncodeImages(encoder_pb2.EncodeImagesRequest(images=images)).embeddings
    finally:
        stub.RepositoryModelLoad(inference_pb2.RepositoryModelLoadRequest(model_name="image_head"))
    assert stub.ModelReady(ready).ready


# Index


def _record(item_id: str, *bits: int) -> index_pb2.Record:
    code = bytearray(32)
    for bit in bits:
        code[bit // 8] |= 0x80 >> bit % 8
    vector = common_pb2.Embedding(values=[1.0] + [0.0] * 383)
    entry = index_pb2.Entry(
        modality=common_pb2.MODALITY_TEXT,
        text=item_id,
        embedding=vector,
        code=common_pb2.HashCode(bits=bytes(code), length=256),
    )
    return index_pb2.Record(id=item_id, entries=[entry], pack_version="test@1.0.0")


@contextmanager
def index_collection_made(channel: grpc.Channel) -> Iterator[None]:
    """A collection of hand-made codes for the index's cases: a and b differ in 2 bits, c is far."""
    stub = index_pb2_grpc.IndexServiceStub(channel)
    stub.CreateCollection(
        index_pb2.IndexServiceCreateCollectionRequest(name="codes", pack_version="test@1.0.0")
    )
    records = [_record("a"), _record("b", 0, 9), _record("c", *range(100))]
    writes = [index_pb2.Write(record=record) for record in records]
    stub.Upsert(index_pb2.UpsertRequest(collection="codes", writes=writes))
    yield
    stub.DeleteCollection(index_pb2.IndexServiceDeleteCollectionRequest(name="codes"))


@pytest.fixture(scope="module")
def index_collection(channel: grpc.Channel) -> Iterator[None]:
    with index_collection_made(channel):
        yield


@case("IndexService/CreateCollection", "IndexService/GetCollection", "IndexService/DeleteCollection")
def index_collections_come_and_go(channel: grpc.Channel) -> None:
    stub = index_pb2_grpc.IndexServiceStub(channel)
    made = stub.CreateCollection(
        index_pb2.IndexServiceCreateCollectionRequest(name="passing", pack_version="test@1.0.0", bits=64)
    ).collection
    assert (made.name, made.bits, made.items) == ("passing", 64, 0)
    assert stub.GetCollection(index_pb2.GetCollectionRequest(name="passing")).collection == made
    stub.DeleteCollection(index_pb2.IndexServiceDeleteCollectionRequest(name="passing"))
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetCollection(index_pb2.GetCollectionRequest(name="passing"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@case("IndexService/ListCollections")
def index_lists_collections(channel: grpc.Channel) -> None:
    stub = index_pb2_grpc.IndexServiceStub(channel)
    names: list[str] = []
    token = ""
    while True:
        page = stub.ListCollections(
            index_pb2.IndexServiceListCollectionsRequest(page_size=1, page_token=token)
        )
        names += [collection.name for collection in page.collections]
        token = page.next_page_token
        if not token:
            break
    assert {"codes", PHOTOS} <= set(names) and names == sorted(set(names))


@case("IndexService/Upsert", "IndexService/Get", "IndexService/Delete")
def index_writes_reads_and_removes(channel: grpc.Channel) -> None:
    stub = index_pb2_grpc.IndexServiceStub(channel)
    digest = hashlib.sha256(b"d").digest()
    write = index_pb2.Write(record=_record("d"), request_id="once", content_digest=digest)
    upsert = index_pb2.UpsertRequest(collection="codes", writes=[write])
    first, second = stub.Upsert(upsert), stub.Upsert(upsert)
    assert [list(first.replayed), list(second.replayed)] == [[False], [True]]
    assert first.statuses[0].code == 0 and second.version == first.version
    got = stub.Get(index_pb2.GetRequest(collection="codes", ids=["d", "nobody"]))
    assert [record.id for record in got.records] == ["d"] and list(got.missing) == ["nobody"]
    assert got.records[0].entries[0].text == "d" and len(got.records[0].entries[0].embedding.values) == 384
    removed = stub.Delete(index_pb2.DeleteRequest(collection="codes", ids=["d", "nobody"]))
    assert (removed.deleted, list(removed.missing)) == (1, ["nobody"])
    assert removed.version > second.version
    assert not stub.Get(index_pb2.GetRequest(collection="codes", ids=["d"])).records


@case("IndexService/ListItems")
def index_lists_items(channel: grpc.Channel) -> None:
    stub = index_pb2_grpc.IndexServiceStub(channel)
    first = stub.ListItems(
        index_pb2.IndexServiceListItemsRequest(collection="codes", page_size=2, brief=True)
    )
    rest = stub.ListItems(
        index_pb2.IndexServiceListItemsRequest(
            collection="codes", page_size=2, brief=True, page_token=first.next_page_token
        )
    )
    assert [record.id for record in (*first.records, *rest.records)] == ["a", "b", "c"]
    assert not rest.next_page_token and not first.records[0].entries[0].HasField("embedding")


@case("IndexService/Search")
def index_search(channel: grpc.Channel) -> None:
    stub = index_pb2_grpc.IndexServiceStub(channel)
    request = index_pb2.IndexServiceSearchRequest(
        collection="codes",
        code=_record("q").entries[0].code,
        modality=common_pb2.MODALITY_TEXT,
        pack_version="test@1.0.0",
    )
    answer = stub.Search(request)
    assert [(hit.item_id, hit.hamming) for hit in answer.hits] == [("a", 0), ("b", 2), ("c", 100)]
    assert answer.considered == 3


@case(
    "IndexService/CreateSnapshot",
    "IndexService/ListSnapshots",
    "IndexService/RestoreSnapshot",
    "IndexService/DeleteSnapshot",
)
def index_snapshots(channel: grpc.Channel) -> None:
    stub = index_pb2_grpc.IndexServiceStub(channel)
    name = f"codes-{len(stub.ListSnapshots(index_pb2.ListSnapshotsRequest()).snapshots)}"
    snapshot = stub.CreateSnapshot(
        index_pb2.CreateSnapshotRequest(collection="codes", snapshot=name)
    ).snapshot
    assert (snapshot.items, snapshot.collection) == (3, "codes") and snapshot.bytes > 0
    listed = stub.ListSnapshots(index_pb2.ListSnapshotsRequest(collection="codes")).snapshots
    assert name in {found.name for found in listed}
    restored = stub.RestoreSnapshot(index_pb2.RestoreSnapshotRequest(snapshot=name, collection="copy"))
    assert restored.collection.items == 3
    got = stub.Get(index_pb2.GetRequest(collection="copy", ids=["a", "b", "c"]))
    assert [record.id for record in got.records] == ["a", "b", "c"]
    stub.DeleteCollection(index_pb2.IndexServiceDeleteCollectionRequest(name="copy"))
    stub.DeleteSnapshot(index_pb2.DeleteSnapshotRequest(snapshot=name))
    listed = stub.ListSnapshots(index_pb2.ListSnapshotsRequest(collection="codes")).snapshots
    assert name not in {found.name for found in listed}


# Admin; what it changes is tested in test_rollout.py


@case(
    "AdminService/LoadPack",
    "AdminService/SetDefaultPack",
    "AdminService/ListPacks",
    "AdminService/UnloadPack",
)
def packs(channel: grpc.Channel) -> None:
    stub = admin_pb2_grpc.AdminServiceStub(channel)
    page = stub.ListPacks(admin_pb2.ListPacksRequest(page_size=1))
    (served,) = page.packs
    assert not page.next_page_token
    assert served.state == admin_pb2.PACK_STATE_READY and served.is_default and PHOTOS in served.collections
    assert stub.LoadPack(admin_pb2.LoadPackRequest(pack=served.pack)).pack.pack == served.pack
    chosen = stub.SetDefaultPack(admin_pb2.SetDefaultPackRequest(pack="default"))
    assert chosen.pack.pack == chosen.previous_pack == served.pack
    with pytest.raises(grpc.RpcError) as caught:
        stub.UnloadPack(admin_pb2.UnloadPackRequest(pack=served.pack, force=True))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


@case(
    "AdminService/ReencodeCollection",
    "AdminService/GetReencoding",
    "AdminService/ListReencodings",
    "AdminService/CancelReencoding",
)
def reencodings(channel: grpc.Channel) -> None:
    stub = admin_pb2_grpc.AdminServiceStub(channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.ReencodeCollection(admin_pb2.ReencodeCollectionRequest(collection=PHOTOS))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT  # it holds that pack's codes already
    assert not stub.ListReencodings(admin_pb2.ListReencodingsRequest()).reencodings
    for call in (
        lambda: stub.GetReencoding(admin_pb2.GetReencodingRequest(collection=PHOTOS)),
        lambda: stub.CancelReencoding(admin_pb2.CancelReencodingRequest(collection=PHOTOS)),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


# Gateway


@case("GatewayService/CreateCollection", "GatewayService/DeleteCollection", "GatewayService/ListCollections")
def gateway_collections(channel: grpc.Channel) -> None:
    stub = gateway_pb2_grpc.GatewayServiceStub(channel)
    made = stub.CreateCollection(gateway_pb2.CreateCollectionRequest(name="empty", bits=128)).collection
    assert (made.bits, made.items) == (128, 0) and made.pack_version.startswith("default@")
    listed = stub.ListCollections(gateway_pb2.ListCollectionsRequest()).collections
    assert {"empty", PHOTOS} <= {collection.name for collection in listed}
    stub.DeleteCollection(gateway_pb2.DeleteCollectionRequest(name="empty"))
    listed = stub.ListCollections(gateway_pb2.ListCollectionsRequest()).collections
    assert "empty" not in {collection.name for collection in listed}


@case(
    "GatewayService/Ingest",
    "GatewayService/BatchIngest",
    "GatewayService/GetItem",
    "GatewayService/DeleteItems",
    "GatewayService/UploadImage",
)
def gateway_items(channel: grpc.Channel) -> None:
    stub = gateway_pb2_grpc.GatewayServiceStub(channel)
    stub.CreateCollection(gateway_pb2.CreateCollectionRequest(name="items"))
    halves = (COFFEE[: len(COFFEE) // 2], COFFEE[len(COFFEE) // 2 :])
    upload = stub.UploadImage(gateway_pb2.UploadImageRequest(chunk=half) for half in halves)
    assert upload.bytes == len(COFFEE)
    uploaded = gateway_pb2.Item(id="coffee", image=common_pb2.Image(upload_id=upload.upload_id))
    broken = gateway_pb2.Item(id="broken", image=_image(b"not a picture"))
    requests = [
        gateway_pb2.IngestRequest(collection="items", item=uploaded, request_id="1"),
        gateway_pb2.IngestRequest(item=broken, request_id="2"),
    ]
    first, second = stub.Ingest(iter(requests))
    assert (first.item_id, first.request_id, first.status.code) == ("coffee", "1", 0)
    assert (second.item_id, second.status.reason) == ("broken", "INVALID_IMAGE")

    batch = gateway_pb2.BatchIngestRequest(
        collection="items", items=[gateway_pb2.Item(id="text", texts=["a dog", "a cat"]), broken]
    )
    results = stub.BatchIngest(batch).results
    assert [(result.item_id, result.status.reason) for result in results] == [
        ("text", ""),
        ("broken", "INVALID_IMAGE"),
    ]
    coffee = stub.GetItem(gateway_pb2.GetItemRequest(collection="items", id="coffee")).item
    assert coffee.has_image and (coffee.image_width, coffee.image_height) == (600, 400)
    assert "cup" in _labels(coffee.image_graph)
    text = stub.GetItem(gateway_pb2.GetItemRequest(collection="items", id="text")).item
    assert list(text.texts) == ["a dog", "a cat"] and len(text.text_graphs) == 2
    removed = stub.DeleteItems(gateway_pb2.DeleteItemsRequest(collection="items", ids=["text", "broken"]))
    assert (removed.deleted, list(removed.missing)) == (1, ["broken"])
    stub.DeleteCollection(gateway_pb2.DeleteCollectionRequest(name="items"))


@case("GatewayService/ListItems")
def gateway_lists_items(channel: grpc.Channel) -> None:
    stub = gateway_pb2_grpc.GatewayServiceStub(channel)
    found: list[gateway_pb2.StoredItem] = []
    token = ""
    while True:
        page = stub.ListItems(gateway_pb2.ListItemsRequest(collection=PHOTOS, page_size=4, page_token=token))
        found += page.items
        token = page.next_page_token
        if not token:
            break
    assert sorted(item.id for item in found) == sorted(item.id for item in ITEMS)
    space = gateway_pb2.ListItemsRequest(collection=PHOTOS, filter='topic = "space" AND colour = true')
    ids = {item.id for item in stub.ListItems(space).items}
    assert ids == {"astronaut", "rocket", "hubble_deep_field"}


def _search(text: str, **options: object) -> gateway_pb2.SearchRequest:
    query = gateway_pb2.Query(parts=[gateway_pb2.QueryPart(text=text)])
    return gateway_pb2.SearchRequest(collection=PHOTOS, query=query, **options)  # type: ignore[arg-type]


def report_cache(report: gateway_pb2.SearchReport) -> str:
    return gateway_pb2.CacheStatus.Name(report.cache).removeprefix("CACHE_STATUS_").lower()


@case("GatewayService/Search")
def search(channel: grpc.Channel) -> None:
    stub = gateway_pb2_grpc.GatewayServiceStub(channel)
    answer, call = stub.Search.with_call(_search("the motorcycle", page_size=3, explain=True))
    best = answer.hits[0]
    assert best.item_id == "motorcycle_left" and best.modality == common_pb2.MODALITY_IMAGE
    assert {match.query_label for match in best.alignment.node_matches} == {"motorcycle"}
    assert best.alignment.node_matches[0].HasField("box") and best.graph.nodes
    assert best.metadata["topic"] == "vehicles"
    report = answer.report
    assert report.considered == len(ITEMS) and not report.degraded and report.graph_candidates == len(ITEMS)
    assert {"search", "match", "total"} <= {timing.stage for timing in report.timings}
    assert ("cache-status", report_cache(report)) in call.trailing_metadata()
    again = stub.Search(_search("the motorcycle", page_size=3, explain=True))
    assert again.report.cache == gateway_pb2.CACHE_STATUS_HIT and again.hits == answer.hits


@case("GatewayService/SearchStream")
def search_stream(channel: grpc.Channel) -> None:
    stub = gateway_pb2_grpc.GatewayServiceStub(channel)
    request = gateway_pb2.SearchStreamRequest(search=_search("a cup of coffee", page_size=3))
    pages = list(stub.SearchStream(request))
    assert len(pages) >= 2 and [page.final for page in pages] == [False] * (len(pages) - 1) + [True]
    stages = [page.stage for page in pages]
    assert stages == sorted(stages)
    assert pages[-1].page.hits == stub.Search(_search("a cup of coffee", page_size=3)).hits


@case("GatewayService/Rank")
def rank(channel: grpc.Channel) -> None:
    request = gateway_pb2.RankRequest(
        query=gateway_pb2.Query(parts=[gateway_pb2.QueryPart(image=_image(CAT))]),
        candidates=[
            gateway_pb2.RankCandidate(id="dog", text="a dog on a beach"),
            gateway_pb2.RankCandidate(id="cat", text="a cat"),
            gateway_pb2.RankCandidate(id="picture", image=_image(CAT)),
        ],
        explain=True,
    )
    hits = gateway_pb2_grpc.GatewayServiceStub(channel).Rank(request).hits
    assert [hit.item_id for hit in hits] == ["picture", "cat", "dog"]


@case("GatewayService/ServerInfo")
def server_info(channel: grpc.Channel) -> None:
    info = gateway_pb2_grpc.GatewayServiceStub(channel).ServerInfo(gateway_pb2.ServerInfoRequest())
    assert info.pack_name == "default" and info.pack_version.startswith("default@")
    assert (info.embedding_size, list(info.code_bits), info.cache) == (960, [64, 128, 256], "memory")
    assert info.version and info.max_message_bytes and info.max_image_pixels and info.max_upload_bytes


@pytest.mark.parametrize("run", dict.fromkeys(CASES.values()), ids=lambda run: run.__name__)
def test_rpc(run: Case, index_collection: None, channel: grpc.Channel) -> None:
    run(channel)
