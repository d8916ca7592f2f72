"""Rank: candidates of the call, scored as a search scores them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.gateway.harness import PHOTOS, ask, graph, image, photo

from scenograph.gateway.app import GatewayApp
from scenograph.gateway.requests import (
    Candidate,
    FusionWeights,
    ImageSource,
    RankRequest,
    Source,
    Stage,
    TextSource,
)
from scenograph.runtime.contracts import Modality
from scenograph.scene.errors import InvalidImage, InvalidText, UploadNotFound

pytestmark = pytest.mark.pack

CAPTIONS = tuple(Candidate(name, TextSource(caption)) for name, (_, caption) in PHOTOS.items())
PICTURES = tuple(Candidate(name, image(file)) for name, (file, _) in PHOTOS.items())


def rank(
    source: str | Source,
    candidates: tuple[Candidate, ...],
    *,
    explain: bool = False,
    weights: FusionWeights | None = None,
) -> RankRequest:
    return RankRequest(ask(source).query, candidates, explain, weights)


async def test_captions_of_a_photo_and_photos_of_a_caption(gateway: GatewayApp) -> None:
    hits, report = await gateway.rank(rank(image("chelsea.png"), CAPTIONS, explain=True))
    assert hits[0].item_id == "cat" and hits[0].modality is Modality.TEXT
    assert hits[0].text == PHOTOS["cat"][1]
    assert hits[0].alignment is not None and hits[0].graph is not None
    assert (report.considered, report.graph_candidates) == (5, 5)
    assert {"textual", "encode", "hash", "match", "total"} <= set(report.timings)
    hits, _ = await gateway.rank(rank("a cat", PICTURES))
    assert hits[0].item_id == "cat" and hits[0].modality is Modality.IMAGE
    assert hits[0].alignment is None and hits[0].graph is None


async def test_rank_and_search_give_the_same_scores(gateway: GatewayApp) -> None:
    for source in ("a cup on a table", graph("maybe (cat)"), image("rocket.jpg")):
        page = await gateway.search(ask(source))
        hits, _ = await gateway.rank(rank(source, PICTURES))
        found = {hit.item_id: hit for hit in page.hits}
        for hit in hits:
            assert hit.score == pytest.approx(found[hit.item_id].score, abs=1e-4)
            assert hit.parts.stage is found[hit.item_id].parts.stage is Stage.GRAPH
            assert hit.parts.cosine == pytest.approx(found[hit.item_id].parts.cosine, abs=1e-4)


async def test_candidates_that_fail_a_hard_part_are_left_out(gateway: GatewayApp) -> None:
    hits, report = await gateway.rank(rank(graph("not (cat)"), PICTURES, explain=True))
    assert {hit.item_id for hit in hits} == set(PHOTOS) - {"cat"}
    assert report.considered == 5


async def test_texts_and_images_mix_and_ids_default_to_places(gateway: GatewayApp) -> None:
    candidates = (Candidate("", TextSource("a cat")), Candidate("", image("chelsea.png")), CAPTIONS[3])
    hits, _ = await gateway.rank(rank("a cat", candidates, weights=FusionWeights(0, 1, 0)))
    assert {hit.item_id for hit in hits} == {"0", "1", "motorcycle"}
    assert hits[0].item_id == "0" and hits[0].score == pytest.approx(1.0, abs=1e-5)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@pytest.mark.parametrize(
    ("bad", "error", "field"),
    [
        (Candidate("x", ImageSource(b"no image")), InvalidImage, "candidates[1].image"),
        (Candidate("x", TextSource("")), InvalidText, "candidates[1].text"),
    ],
)
async def test_a_bad_candidate_fails_the_call_and_is_named(
    gateway: GatewayApp, bad: Candidate, error: type[InvalidImage], field: str
) -> None:
    with pytest.raises(error) as caught:
        await gateway.rank(rank("a cat", (CAPTIONS[0], bad, CAPTIONS[1])))
    assert caught.value.violations[0].field == field


async def test_uploads_may_be_candidates_once(gateway: GatewayApp) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield photo("chelsea.png")

    upload = await gateway.upload(chunks())
    candidates = (Candidate("cat", ImageSource(upload_id=upload.id)), CAPTIONS[3])
    hits, _ = await gateway.rank(rank("a cat", candidates))
    assert hits[0].item_id == "cat"
    with pytest.raises(UploadNotFound):
        await gateway.rank(rank("a cat", candidates))
