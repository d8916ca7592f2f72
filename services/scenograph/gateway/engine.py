"""What one pack does for the gateway: prepares queries, ranks, and makes entries to store."""

from __future__ import annotations

from scenograph.gateway.admission import Admission
from scenograph.gateway.entries import EntryMaker
from scenograph.gateway.graphstage import GraphStage
from scenograph.gateway.kept import KeptRankings
from scenograph.gateway.limits import Limits
from scenograph.gateway.packs import PackInfo
from scenograph.gateway.query import QueryPreparer
from scenograph.gateway.rank import RankService
from scenograph.gateway.search import Searcher
from scenograph.gateway.uploads import Uploads
from scenograph.runtime.cache.contract import Cache
from scenograph.runtime.contracts import Encoder, Hashing, Index, Matching, TextualGraphs, VisualGraphs
from scenograph.runtime.telemetry.metrics import UNREAD, Metrics


class Engine:
    """Made of services that serve `pack`; index, cache, uploads and admission are those of all packs."""

    def __init__(
        self,
        pack: PackInfo,
        *,
        visual: VisualGraphs,
        textual: TextualGraphs,
        encoder: Encoder,
        hashing: Hashing,
        matching: Matching,
        index: Index,
        cache: Cache,
        uploads: Uploads,
        limits: Limits,
        admission: Admission,
        rank_admission: Admission,
        metrics: Metrics = UNREAD,
    ) -> None:
        stage = GraphStage(matching, pack)
        preparer = QueryPreparer(
            visual, textual, encoder, hashing, index, cache, pack, limits.query_ttl_s, metrics
        )
        kept = KeptRankings(cache, most_hits=limits.kept_hits, ttl_s=limits.ranking_ttl_s)
        self.pack = pack
        self.kept = kept
        self.maker = EntryMaker(visual, textual, encoder, hashing, pack)
        self.searcher = Searcher(index, preparer, stage, kept, uploads, pack, admission)
        self.ranker = RankService(preparer, self.maker, stage, uploads, pack, rank_admission)
