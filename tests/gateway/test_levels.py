"""Weights of levels, from a request to its ranking: what they scale, what they leave, how hits tell them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.gateway.harness import PHOTOS, UNCACHED, ask, gateway_with, image, pack_info

from scenograph.cli.compose.apps import Apps
from scenograph.gateway.app import GatewayApp
from scenograph.gateway.levels import scaled_levels
from scenograph.gateway.packs import PackLevel
from scenograph.gateway.requests import (
    Candidate,
    LevelWeights,
    RankingOptions,
    RankRequest,
    Stage,
)
from scenograph.runtime.contracts import Level, Modality
from scenograph.scene.errors import InvalidInput

pytestmark = pytest.mark.pack

LEVELS = (
    PackLevel("scene", 0.5, Level(0, 200, ((0, 128),))),
    PackLevel("object", 0.3, Level(200, 320, ((128, 200),))),
    PackLevel("relation", 0.2, Level(320, 384, ((200, 256),))),
)


def test_scales_are_the_requests_shares_over_the_packs() -> None:
    assert [level.scale for level in scaled_levels(LEVELS, None, field="")] == [1, 1, 1]
    for factor in (1.0, 7.0):
        own = LevelWeights(0.5 * factor, 0.3 * factor, 0.2 * factor)
        assert scaled_levels(LEVELS, own, field="") == tuple(one.level for one in LEVELS)
    scales = [level.scale for level in scaled_levels(LEVELS, LevelWeights(0, 3, 1), field="")]
    assert scales == pytest.approx([0, 2.5, 1.25])
    with pytest.raises(InvalidInput) as caught:
        scaled_levels(LEVELS[:1], LevelWeights(0, 1, 1), field="options.level_weights")
    assert caught.value.violations[0].field == "options.level_weights"


@pytest.fixture
def levelled(apps: Apps, gateway: GatewayApp, tmp_path: Path) -> GatewayApp:
    """A gateway that takes the pack's embeddings for ones of three levels; `gateway` has filled the index."""
    return gateway_with(apps, tmp_path, pack=replace(pack_info(apps), levels=LEVELS))


def weights(scene: float, object: float, relation: float, *, stage: Stage = Stage.FLOAT) -> RankingOptions:
    return RankingOptions(last_stage=stage, level_weights=LevelWeights(scene, object, relation))


async def test_the_packs_own_weights_are_the_plain_search(levelled: GatewayApp) -> None:
    for stage in (Stage.COARSE, Stage.FLOAT, Stage.GRAPH):
        plain = await levelled.search(ask("a cup on a table", options=RankingOptions(last_stage=stage)))
        own = await levelled.search(ask("a cup on a table", options=weights(5, 3, 2, stage=stage)))
        assert own.hits and [(h.item_id, h.score, h.parts) for h in own.hits] == [
            (h.item_id, h.score, h.parts) for h in plain.hits
        ]
        names = set() if stage is Stage.COARSE else {"scene", "object", "relation"}
        assert all(set(hit.parts.levels) == names for hit in plain.hits)


async def test_one_level_alone_ranks_by_its_part(apps: Apps, levelled: GatewayApp) -> None:
    text = "a smiling astronaut"
    query = (await apps.encoder.encode_texts([text])).vectors
    hashed = await apps.hashing.hash(query, include_projections=True)
    assert hashed.projections is not None
    code, sure = hashed.codes[0], np.abs(hashed.projections[0, 128:200])
    records, _ = await apps.index.get("photos", list(PHOTOS))
    page = await levelled.search(ask(text, options=weights(0, 1, 0)))
    assert {hit.item_id for hit in page.hits} == set(PHOTOS)
    for hit in page.hits:
        (entry,) = [
            entry
            for record in records
            if record.id == hit.item_id
            for entry in record.entries
            if entry.modality is Modality.IMAGE
        ]
        assert entry.embedding is not None and entry.code is not None
        mine, theirs = query[0][200:320], entry.embedding[200:320]
        assert hit.parts.cosine == pytest.approx(np.clip(float(mine @ theirs) / 0.3, -1, 1), abs=1e-5)
        cosine = float(mine @ theirs / np.linalg.norm(mine) / np.linalg.norm(theirs))
        assert hit.parts.levels["object"] == pytest.approx(cosine, abs=1e-5)
        differing = np.unpackbits(code ^ entry.code)[128:200]
        assert hit.parts.coarse == pytest.approx(1 - differing @ sure / sure.sum())


async def test_rankings_of_other_weights_are_others_in_the_cache(levelled: GatewayApp) -> None:
    asked = [ask("a rocket", options=weights(*shares)) for shares in ((1, 0, 0), (0, 1, 0), (1, 0, 0))]
    pages = [await levelled.search(request) for request in asked]
    assert [hit.score for hit in pages[0].hits] != [hit.score for hit in pages[1].hits]
    assert [hit.score for hit in pages[0].hits] == [hit.score for hit in pages[2].hits]
    assert [page.report.cache.name for page in pages] == ["MISS", "MISS", "HIT"]


async def test_rank_counts_levels_as_search_does(levelled: GatewayApp) -> None:
    options = replace(weights(1, 2, 0, stage=Stage.GRAPH), bypass_cache=True)
    page = await levelled.search(ask("a cat", options=options))
    candidates = tuple(Candidate(name, image(file)) for name, (file, _) in PHOTOS.items())
    request = RankRequest(ask("a cat").query, candidates, level_weights=LevelWeights(1, 2, 0))
    hits, _ = await levelled.rank(request)
    found = {hit.item_id: hit for hit in page.hits}
    for hit in hits:
        assert hit.score == pytest.approx(found[hit.item_id].score, abs=1e-4)
        assert hit.parts.coarse == pytest.approx(found[hit.item_id].parts.coarse, abs=2e-2)
        assert hit.parts.levels == pytest.approx(dict(found[hit.item_id].parts.levels), abs=1e-4)


async def test_weights_of_levels_that_the_pack_has_not(gateway: GatewayApp) -> None:
    options = replace(UNCACHED, level_weights=LevelWeights(0, 1, 1))
    with pytest.raises(InvalidInput) as caught:
        await gateway.search(ask("a cat", options=options))
    assert caught.value.violations[0].field == "options.level_weights"
    candidates = (Candidate("a", image("chelsea.png")),)
    request = RankRequest(ask("a cat").query, candidates, level_weights=LevelWeights(0, 1, 1))
    with pytest.raises(InvalidInput) as caught:
        await gateway.rank(request)
    assert caught.value.violations[0].field == "level_weights"
    options = replace(UNCACHED, level_weights=LevelWeights(1, -1, 1))
    with pytest.raises(InvalidInput) as caught:
        await gateway.search(ask("a cat", options=options))
    assert caught.value.violations[0].field == "options.level_weights.object"
    page = await gateway.search(ask("a cat", options=replace(UNCACHED, level_weights=LevelWeights(3, 1, 1))))
    plain = await gateway.search(ask("a cat", options=UNCACHED))
    assert [(hit.item_id, hit.score) for hit in page.hits] == [(hit.item_id, hit.score) for hit in plain.hits]
    assert page.hits[0].parts.levels == {"scene": page.hits[0].parts.cosine}
