"""Benchmarks of parts measure what they say: small, on real models and a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from scenograph.bench import codes, encode, index, ingest, match, startup
from scenograph.bench.bare import Bare, batches, rate_for
from scenograph.bench.picture import drawn_picture
from scenograph.bench.sentences import sentences
from scenograph.cli.server_process import ServerProcess
from scenograph.client import AsyncClient, Client
from scenograph.hashing.app import pack_codes
from scenograph.packs import Pack
from scenograph.runtime.contracts import DEFAULT_BITS, Modality

PICTURES = [drawn_picture(number) for number in range(3)]


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(server.address) as opened:
        yield opened


async def test_the_bare_loop_answers_as_the_service(default_pack: Pack, client: AsyncClient) -> None:
    loop = Bare(default_pack)
    said = sentences(4)
    for ours, served in (
        (loop.texts(said), np.array(await client.encode_texts(said))),
        (loop.images(PICTURES), np.array(await client.encode_images(PICTURES))),
    ):
        assert ours.shape == served.shape
        assert (np.sum(ours * served, axis=1) > 0.99).all()
    assert loop.projections(loop.texts(said)).shape == (4, DEFAULT_BITS)


def test_encode(server: ServerProcess, default_pack: Pack) -> None:
    told: list[str] = []
    results = encode.measure(
        server.address,
        default_pack,
        PICTURES,
        concurrencies=(1, 2),
        parts=(1, 3),
        seconds=0.2,
        rounds=1,
        threads=1,
        tell=told.append,
    )
    assert [each.kind for each in results] == ["texts", "images"]
    for each in results:
        assert [(one.parts, one.concurrency) for one in each.served] == [(1, 1), (1, 2), (3, 1), (3, 2)]
        assert set(each.bare) == {encode.Layout(1, 1, batch) for batch in encode.BATCHES}
        assert all(one.rate > 0 and one.failed == 0 and one.p50_ms <= one.p99_ms for one in each.served)
        assert each.best == max(each.bare.values()) > 0
    assert len(told) == 2 * (4 + len(encode.BATCHES))


def test_loads_are_bounded_and_bare_loops_take_both_layouts() -> None:
    assert encode.loads((1, 64), (1, 32)) == [(1, 1), (1, 64), (32, 1), (32, 8)]
    assert encode.loads((16, 64), (32,)) == [(32, 8)]
    assert {(each.loops, each.threads) for each in encode.layouts(2)} == {(2, 1), (1, 2)}


def test_no_text_is_asked_for_twice() -> None:
    source = encode.Source("texts", [])
    taken = [*source.take(1), *source.take(1)]
    assert len(set(taken)) == len(taken) == 2 * encode.TEXTS
    assert encode.Source("images", [b"a", b"b"]).take(3) == [b"a", b"b", b"a"]


@pytest.fixture(scope="module")
def mixture() -> codes.Mixture:
    """Made around drawn projections: a photograph and two sentences near it, forty times."""
    random = np.random.default_rng(0)
    photos = random.standard_normal((40, 64)).astype(np.float32)
    texts = np.repeat(photos, 2, axis=0) + 0.6 * random.standard_normal((80, 64)).astype(np.float32)
    return codes.Mixture(codes.Projected(photos, texts, np.repeat(np.arange(40), 2)))


def test_made_codes_are_as_far_from_real_ones_as_measured(mixture: codes.Mixture) -> None:
    made = [part for part, _ in mixture.entries(3000)]
    modality = np.concatenate([part for _, part in mixture.entries(3000)])
    assert sum(map(len, made)) == 3000 and 0.2 < np.mean(modality == Modality.IMAGE) < 0.5
    bases = pack_codes(mixture._bases, 64)
    nearest = np.bitwise_count(made[0][:200, np.newaxis] ^ bases).sum(axis=2).min(axis=1)
    assert 0.5 * mixture.distance < nearest.mean() < 1.5 * mixture.distance
    assert mixture.queries(1000).shape == (16, 8)  # the sentences of one photograph in five


def test_index_finds_what_faiss_finds(mixture: codes.Mixture) -> None:
    told: list[str] = []
    found = index.measure(
        mixture, 3000, keep=[10, 50], queries=3, recall=0.9, tell=lambda what, done, of: told.append(what)
    )
    assert (found.entries, found.bits, [each.keep for each in found.kept]) == (3000, 64, [10, 50])
    for each in found.kept:
        assert each.ratio == each.exact_ms / each.faiss_ms and 0.5 < each.recall <= 1
    assert {"codes made", "centres chosen", "recall measured", "searches"} <= set(told)


def test_a_start_is_timed_with_and_without_columns(mixture: codes.Mixture) -> None:
    found = startup.measure(mixture, 300, lambda what, done, of: None)
    assert found.items == 300 and found.records_bytes > 0 and found.columns_bytes > 0
    for start in (found.as_left, found.from_records):
        assert start.seconds > 0 and start.first_search_ms > 0 and start.memory > 0


def test_match(server: ServerProcess) -> None:
    found = match.measure(server.address, PICTURES, candidates=7, repeats=4, explain=True)
    assert found.candidates == 7 and 0 < found.service_ms <= found.call_p99_ms


def test_ingest_leaves_nothing(server: ServerProcess) -> None:
    results = ingest.measure(server.address, PICTURES[:2], texts=3)
    assert [(each.kind, each.items) for each in results] == [
        ("pictures", 2),
        ("pictures with five sentences", 2),
        ("sentences", 3),
    ]
    with Client(server.address) as client:
        assert ingest.COLLECTION not in {collection.name for collection in client.list_collections()}


def test_the_loop_counts_parts() -> None:
    assert batches(range(10), 4) == [range(0, 4), range(4, 8)]
    seen: list[int] = []
    assert rate_for(seen.extend, batches(range(10), 4), 1, 0.05) > 0
    assert seen[:8] == list(range(8)) and len(seen) % 4 == 0


def test_no_two_sentences_are_alike() -> None:
    assert len(set(sentences(1000))) == 1000


def test_reports(server: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from scenograph.cli.app import run

    for command, words in (
        (["index", "--codes", "2000", "--queries", "2"], "times FAISS"),
        (["match", "--server", server.address, "--candidates", "5", "--repeats", "2"], "explained"),
    ):
        folder = tmp_path / command[0]
        with pytest.raises(SystemExit) as end:
            run(["bench", *command, "--report", str(folder)])
        printed = capsys.readouterr().out
        assert not end.value.code and words in printed and "cores" in printed
        assert words in (folder / "report.html").read_text() and (folder / "report.json").exists()
