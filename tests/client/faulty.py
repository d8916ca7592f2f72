"""A real gRPC server whose gateway answers as a test tells it: for faults that a sound server cannot show."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from scenograph.v1 import gateway_pb2


def abort(context: grpc.ServicerContext, code: grpc.StatusCode, message: str, *details: Message) -> None:
    """End the call as scenograph's servers do: with a google.rpc.Status in the trailers."""
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        status.details.add().Pack(detail)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, message)


def error_info(reason: str, **metadata: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain="scenograph", metadata=metadata)


def _nothing(calls: int, context: grpc.ServicerContext) -> None:
    pass


@dataclass
class Gateway:
    """Keeps what it is sent; `on_call` (given the number of calls) and `on_item` decide what it answers."""

    on_call: Callable[[int, grpc.ServicerContext], None] = _nothing
    on_item: Callable[[gateway_pb2.IngestRequest], None] = lambda request: None
    calls: int = 0
    searches: list[gateway_pb2.SearchRequest] = field(default_factory=list)
    ingested: list[gateway_pb2.IngestRequest] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    def search(
        self, request: gateway_pb2.SearchRequest, context: grpc.ServicerContext
    ) -> gateway_pb2.SearchResponse:
        self.searches.append(request)
        self.calls += 1
        self.on_call(self.calls, context)
        return gateway_pb2.SearchResponse()

    def delete_collection(
        self, request: gateway_pb2.DeleteCollectionRequest, context: grpc.ServicerContext
    ) -> gateway_pb2.DeleteCollectionResponse:
        self.calls += 1
        self.on_call(self.calls, context)
        return gateway_pb2.DeleteCollectionResponse()

    def ingest(
        self, stream: Iterator[gateway_pb2.IngestRequest], context: grpc.ServicerContext
    ) -> Iterator[gateway_pb2.IngestResponse]:
        context.add_callback(self.ended.set)
        for request in stream:
            self.ingested.append(request)
            self.on_item(request)
            yield gateway_pb2.IngestResponse(item_id=request.item.id, request_id=request.request_id)

    def upload_image(
        self, stream: Iterator[gateway_pb2.UploadImageRequest], context: grpc.ServicerContext
    ) -> gateway_pb2.UploadImageResponse:
        name = f"upload-{len(self.uploads)}"
        self.uploads[name] = b"".join(request.chunk for request in stream)
        return gateway_pb2.UploadImageResponse(upload_id=name, bytes=len(self.uploads[name]))

    def handlers(self) -> grpc.GenericRpcHandler:
        """This gateway's methods; the others of the service are not there."""
        pb = gateway_pb2
        write = operator.methodcaller("SerializeToString")
        return grpc.method_handlers_generic_handler(
            "scenograph.v1.GatewayService",
            {
                "Search": grpc.unary_unary_rpc_method_handler(
                    self.search, pb.SearchRequest.FromString, write
                ),
                "DeleteCollection": grpc.unary_unary_rpc_method_handler(
                    self.delete_collection, pb.DeleteCollectionRequest.FromString, write
                ),
                "Ingest": grpc.stream_stream_rpc_method_handler(
                    self.ingest, pb.IngestRequest.FromString, write
                ),
                "UploadImage": grpc.stream_unary_rpc_method_handler(
                    self.upload_image, pb.UploadImageRequest.FromString, write
                ),
            },
        )


@contextmanager
def served(gateway: Gateway) -> Iterator[str]:
    """The address of a server that offers this gateway and nothing else."""
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", 16 * 1024**2)])
    server.add_generic_rpc_handlers((gateway.handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
