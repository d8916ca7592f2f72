"""The scores that a pack's final ranking mixes, of queries with their candidates: what weights are fitted on.

The pack's own services run in this process and make the same entries, graphs and scores as a server's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scenograph.cli.captions import Captioned
from scenograph.cli.compose.apps import Apps
from scenograph.cli.compose.loading import begin
from scenograph.cli.compose.process import Process
from scenograph.gateway.deadlines import StageTimes
from scenograph.gateway.entries import EntryMaker, Made
from scenograph.gateway.limits import DEFAULT_COARSE, DEFAULT_GRAPH
from scenograph.gateway.mixing import soft
from scenograph.metrics.fusion import Pairs, Ranked
from scenograph.runtime.contracts import DEFAULT_BITS, Entry, FloatArray, Level, MatchWeights
from scenograph.runtime.levels import cosines, differing_shares
from scenograph.runtime.settings import load_settings
from scenograph.scene.errors import ScenographError
from scenograph.scene.graph import SceneGraph

if TYPE_CHECKING:
    from rich.progress import Progress

    from scenograph.data.compositional import Case

SCORES = ("coarse", "float", "learned", "symbolic")
IMAGES, TEXTS = 16, 256  # made together
TOGETHER = 8  # queries matched at the same time
SERVICES = ("visual", "textual", "encoder", "hashing", "matching")


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores in the order of SCORES: searches by direction, true and false sentences by kind of change, and
    searches `must`, whose sentences are to find their photo first whatever the weights are fitted on.
    """

    pack: str
    searches: dict[str, Ranked] = field(default_factory=dict)
    pairs: dict[str, Pairs] = field(default_factory=dict)
    must: dict[str, Ranked] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the arrays to one file."""
        arrays: dict[str, NDArray[np.generic]] = {"pack": np.array(self.pack)}
        for part, ranked in (("searches", self.searches), ("must", self.must)):
            for name, one in ranked.items():
                arrays |= {f"{part}/{name}/scores": one.scores, f"{part}/{name}/right": one.right}
        for name, pair in self.pairs.items():
            arrays |= {f"pairs/{name}/true": pair.true, f"pairs/{name}/false": pair.false}
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> Scores:
        """What `save` wrote.  Errors: ValueError, OSError."""
        with np.load(path, allow_pickle=False) as found:
            names = [key.split("/") for key in found.files if key != "pack"]
            ranked = {
                part: {
                    name: Ranked(found[f"{part}/{name}/scores"], found[f"{part}/{name}/right"])
                    for name in dict.fromkeys(key[1] for key in names if key[0] == part)
                }
                for part in ("searches", "must")
            }
            pairs = {
                name: Pairs(found[f"pairs/{name}/true"], found[f"pairs/{name}/false"])
                for name in dict.fromkeys(key[1] for key in names if key[0] == "pairs")
            }
            return cls(str(found["pack"]), ranked["searches"], pairs, ranked["must"])


async def collect(
    photos: Sequence[Captioned],
    cases: Sequence[Case],
    must: Sequence[Captioned],
    asked: int,
    bar: Progress,
) -> Scores:
    """The scores of `photos` with `asked` sentences of each as queries, of `cases` about these photos, and of
    the sentences of `must` among its photos.

    Errors: PackNotFound, PackCorrupt; ValueError (a photo or sentence that cannot be read).
    """
    async with AsyncExitStack() as stack:
        apps = await begin(Process(load_settings(), stack, services=SERVICES))
        scorer = _Scorer(apps, bar)
        searches = await scorer.searches(photos, asked)
        others = await scorer.searches(must, max((len(photo.captions) for photo in must), default=0))
        pairs = await scorer.pairs(cases)
        return Scores(apps.parts.pack.id, searches, pairs, {"text to image": others["text to image"]})


class _Scorer:
    def __init__(self, apps: Apps, bar: Progress) -> None:
        self._pack = apps.pack_info()
        self._levels = [level.level for level in self._pack.levels]
        self._maker = EntryMaker(apps.visual, apps.textual, apps.encoder, apps.hashing, self._pack)
        self._hashing = apps.hashing
        self._matching = apps.matching
        self._bar = bar
        self._images: dict[Path, Entry] = {}
        self._texts: dict[str, Entry] = {}

    async def searches(self, photos: Sequence[Captioned], asked: int) -> dict[str, Ranked]:
        """Sentences for their photo, photos for one of their sentences."""
        images = await self._seen([photo.path for photo in photos])
        texts = await self._said([text for photo in photos for text in photo.captions])
        owner = np.repeat(np.arange(len(photos)), [len(photo.captions) for photo in photos])
        place = np.concatenate(
            [np.arange(len(photo.captions)) for photo in photos] or [np.zeros(0, dtype=np.intp)]
        )
        chosen = np.flatnonzero((place - owner) % np.maximum(1, np.bincount(owner)[owner]) < asked)
        return {
            "text to image": await self._ranked(
                "text to image",
                [texts[row] for row in chosen],
                images,
                owner[chosen][:, None] == np.arange(len(photos)),
            ),
            "image to text": await self._ranked(
                "image to text", images, texts, np.arange(len(photos))[:, None] == owner
            ),
        }

    async def pairs(self, cases: Sequence[Case]) -> dict[str, Pairs]:
        """True and false sentences, each scored as its photo ranks them."""
        said: dict[Path, list[str]] = {}
        for case in cases:
            said.setdefault(Path(case.photo), []).extend((case.caption, case.negative))
        await self._said([text for texts in said.values() for text in texts])
        images = dict(zip(said, await self._seen(list(said)), strict=True))
        task = self._bar.add_task("match, true and false sentences", total=len(said))
        found: dict[tuple[Path, str], NDArray[np.float64]] = {}
        for path, texts in said.items():
            entries = [self._texts[text] for text in texts]
            near = _Stacked.of(entries).near(images[path], self._levels, await self._sure(images[path]))
            agreed = await self._agreed(images[path], entries)
            found |= {
                (path, text): row
                for text, row in zip(texts, np.concatenate([near, agreed], axis=1), strict=True)
            }
            self._bar.advance(task)
        return {
            kind: Pairs(
                np.array([found[Path(case.photo), case.caption] for case in cases if case.kind == kind]),
                np.array([found[Path(case.photo), case.negative] for case in cases if case.kind == kind]),
            )
            for kind in dict.fromkeys(case.kind for case in cases)
        }

    async def _ranked(
        self, what: str, queries: Sequence[Entry], entries: Sequence[Entry], right: NDArray[np.bool_]
    ) -> Ranked:
        """The candidates that the graph stage of a search sees: K1 by their codes, of these K2 by cosine."""
        depth = min(DEFAULT_GRAPH, len(entries))
        task = self._bar.add_task(f"match, {what}", total=len(queries))
        scores = np.full((len(queries), depth, len(SCORES)), np.nan)
        kept = np.zeros((len(queries), depth), dtype=bool)
        stacked = _Stacked.of(entries)

        async def one(row: int) -> None:
            sure = await self._sure(queries[row])
            found, near = stacked.nearest(queries[row], self._levels, sure, depth)
            agreed = await self._agreed(queries[row], [entries[place] for place in found])
            scores[row] = np.concatenate([near, agreed], axis=1)
            kept[row] = right[row, found]
            self._bar.advance(task)

        for start in range(0, len(queries), TOGETHER):
            await asyncio.gather(*map(one, range(start, min(start + TOGETHER, len(queries)))))
        return Ranked(scores, kept)

    async def _sure(self, query: Entry) -> FloatArray:
        """How sure the query is of each bit of its code.  Shapes: -> (bits,)."""
        assert query.embedding is not None
        hashed = await self._hashing.hash(query.embedding[np.newaxis], include_projections=True)
        assert hashed.projections is not None
        sure: FloatArray = np.abs(hashed.projections[0])
        return sure

    async def _agreed(self, query: Entry, entries: Sequence[Entry]) -> NDArray[np.float64]:
        """Learned and symbolic agreement as they are mixed, (n, 2): both symbolic where nothing was learned
        of a pair, both 0 where the query's graph is empty.
        """
        asked = soft(query.graph or SceneGraph())
        if not asked.optional.nodes:
            return np.zeros((len(entries), 2))
        graphs = [entry.graph or SceneGraph() for entry in entries]
        batch = await self._matching.match(asked, graphs, weights=MatchWeights(0.5, 0.5))
        learned = [one.symbolic if one.learned is None else one.learned for one in batch.alignments]
        return np.array(
            [(mine, 2 * one.score - mine) for mine, one in zip(learned, batch.alignments, strict=True)]
        )

    async def _seen(self, paths: Sequence[Path]) -> list[Entry]:
        missing = [path for path in dict.fromkeys(paths) if path not in self._images]
        task = self._bar.add_task("look at photos", total=len(missing))
        for start in range(0, len(missing), IMAGES):
            part = missing[start : start + IMAGES]
            made, _ = await self._maker.make(
                [path.read_bytes() for path in part], [], DEFAULT_BITS, StageTimes()
            )
            self._images |= dict(zip(part, _sound(made, map(str, part)), strict=True))
            self._bar.advance(task, len(part))
        return [self._images[path] for path in paths]

    async def _said(self, texts: Sequence[str]) -> list[Entry]:
        missing = [text for text in dict.fromkeys(texts) if text not in self._texts]
        task = self._bar.add_task("read sentences", total=len(missing))
        for start in range(0, len(missing), TEXTS):
            part = missing[start : start + TEXTS]
            _, made = await self._maker.make([], part, DEFAULT_BITS, StageTimes())
            self._texts |= dict(zip(part, _sound(made, part), strict=True))
            self._bar.advance(task, len(part))
        return [self._texts[text] for text in texts]


@dataclass(frozen=True, slots=True, eq=False)
class _Stacked:
    """Embeddings (N, D) and codes (N, bits / 8) of entries."""

    vectors: NDArray[np.float32]
    codes: NDArray[np.uint8]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> _Stacked:
        vectors = [entry.embedding for entry in entries if entry.embedding is not None]
        codes = [entry.code for entry in entries if entry.code is not None]
        return cls(np.stack(vectors), np.stack(codes))

    def near(self, query: Entry, levels: Sequence[Level], sure: FloatArray) -> NDArray[np.float64]:
        """Similarity of the codes and cosine of each with the query, (N, 2)."""
        assert query.embedding is not None and query.code is not None
        whole, _ = cosines(query.embedding, self.vectors, levels)
        return np.stack([1.0 - differing_shares(query.code, self.codes, levels, sure), whole], axis=1)

    def nearest(
        self, query: Entry, levels: Sequence[Level], sure: FloatArray, depth: int
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The rows that get to the graph stage, best cosine first, and what `near` says of them."""
        assert query.code is not None
        near = self.near(query, levels, sure)
        distances = differing_shares(query.code, self.codes, levels)
        coarse = np.argsort(distances, kind="stable")[:DEFAULT_COARSE]
        best = coarse[np.argsort(-near[coarse, 1], kind="stable")[:depth]]
        return best, near[best]


def _sound(made: Sequence[Made], names: Iterable[str]) -> list[Entry]:
    entries = []
    for one, name in zip(made, names, strict=True):
        if isinstance(one, ScenographError):
            raise ValueError(f"{name}: {one.message}")
        entries.append(one)
    return entries
