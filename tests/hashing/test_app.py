"""HashingApp with the default pack: codes, prefixes, distances; refusals; its gRPC face."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.serving import serving_one

from scenograph.hashing.app import MAX_EMBEDDINGS, HashingApp, pack_codes
from scenograph.hashing.servicer import HashingServicer
from scenograph.runtime.sessions import Sessions
from scenograph.runtime.status import from_rpc_error
from scenograph.scene.errors import InvalidInput
from scenograph.v1 import common_pb2, hashing_pb2_grpc
from scenograph.v1 import hashing_pb2 as pb


def vectors(count: int, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, 960))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture(scope="module")
def app(sessions: Sessions) -> HashingApp:
    return HashingApp(sessions)


def test_bits_are_packed_highest_first() -> None:
    projections = -np.ones((1, 256), dtype=np.float32)
    projections[0, [0, 9, 63]] = 1
    projections[0, 1] = 0  # nothing above zero is no bit
    codes = pack_codes(projections, 64)
    assert codes.tolist() == [[0b10000000, 0b01000000, 0, 0, 0, 0, 0, 1]]


async def test_shorter_codes_begin_longer_ones(app: HashingApp) -> None:
    rows = vectors(20)
    full = await app.hash(rows)
    assert full.codes.shape == (20, 32)
    assert full.bits == 256
    for bits in (64, 128, 256):
        codes = (await app.hash(rows, bits=bits)).codes
        np.testing.assert_array_equal(codes, full.codes[:, : bits // 8])
    told = await app.hash(rows, bits=128, include_projections=True)
    assert full.projections is None and told.projections is not None
    np.testing.assert_array_equal(np.packbits(told.projections > 0, axis=1), full.codes[:, :16])
    one_by_one = [(await app.hash(rows[place : place + 1])).codes[0] for place in range(20)]
    np.testing.assert_array_equal(one_by_one, full.codes)


async def test_distances_follow_angles(app: HashingApp) -> None:
    start = vectors(1)
    steps = np.linspace(0, 1, 6)[:, None]
    path = (1 - steps) * start + steps * vectors(1, seed=1)
    path = (path / np.linalg.norm(path, axis=1, keepdims=True)).astype(np.float32)
    codes = (await app.hash(path)).codes
    distances = np.bitwise_count(codes ^ codes[0]).sum(axis=1).astype(int)
    assert distances[0] == 0
    assert (np.diff(distances) > 0).all()


@pytest.mark.parametrize(
    ("rows", "bits", "field"),
    [
        (np.zeros((0, 960), dtype=np.float32), 256, "embeddings"),
        (np.zeros((MAX_EMBEDDINGS + 1, 960), dtype=np.float32), 256, "embeddings"),
        (np.zeros((2, 100), dtype=np.float32), 256, "embeddings[0]"),
        (np.array([[0.0] * 960, [float("nan")] * 960], dtype=np.float32), 256, "embeddings[1]"),
        (np.zeros((1, 960), dtype=np.float32), 100, "bits"),
    ],
)
async def test_refuses(app: HashingApp, rows: NDArray[np.float32], bits: int, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await app.hash(rows, bits=bits)
    assert caught.value.violations[0].field == field


async def test_over_grpc(app: HashingApp) -> None:
    def register(server: grpc.aio.Server) -> None:
        hashing_pb2_grpc.add_HashingServiceServicer_to_server(HashingServicer(app), server)

    rows = vectors(3)
    messages = [common_pb2.Embedding(values=row.tolist()) for row in rows]
    async with serving_one("scenograph.v1.HashingService", register) as channel:
        stub = hashing_pb2_grpc.HashingServiceStub(channel)
        answer = await stub.Hash(pb.HashRequest(embeddings=messages))
        expected = (await app.hash(rows)).codes
        assert [(code.bits, code.length) for code in answer.codes] == [
            (row.tobytes(), 256) for row in expected
        ]
        short = await stub.Hash(pb.HashRequest(embeddings=messages, bits=64))
        assert [code.length for code in short.codes] == [64] * 3
        told = await stub.Hash(pb.HashRequest(embeddings=messages, bits=64, include_projections=True))
        projections = (await app.hash(rows, bits=64, include_projections=True)).projections
        assert not short.projections and projections is not None
        np.testing.assert_array_equal([list(row.values) for row in told.projections], projections)
        ragged = [messages[0], common_pb2.Embedding(values=[1.0])]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Hash(pb.HashRequest(embeddings=ragged))
        error = from_rpc_error(caught.value)
        assert isinstance(error, InvalidInput) and error.violations[0].field == "embeddings[1]"
