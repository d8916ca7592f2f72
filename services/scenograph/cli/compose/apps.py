"""What one pack serves in this process, each app made once; code is imported only where it is served."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from scenograph.cli.compose.parts import Parts
from scenograph.cli.compose.without import without

if TYPE_CHECKING:
    from scenograph.encoder.app import EncoderApp
    from scenograph.gateway.engine import Engine
    from scenograph.gateway.packs import PackInfo
    from scenograph.hashing.app import HashingApp
    from scenograph.inference.app import InferenceApp
    from scenograph.matching.app import MatchingApp
    from scenograph.runtime.contracts import Index
    from scenograph.textual.app import TextualApp
    from scenograph.textual.parsers import SentenceParser
    from scenograph.visual.app import VisualApp


class Apps:
    """Made from the pack's parts on first use. What `make` made, `Parts.warm_up` loads."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    @cached_property
    def visual(self) -> VisualApp:
        from scenograph.scene.visual_taxonomy import Taxonomy
        from scenograph.visual.app import VisualApp
        from scenograph.visual.heads import MODELS, Heads
        from scenograph.visual.units import MODEL

        parts = self.parts
        if parts.has(MODEL):
            parts.needs(MODEL)
        taxonomy, heads = Taxonomy.from_vocabulary(parts.vocabulary), None
        if all(map(parts.has, MODELS)):
            parts.needs(*MODELS)
            heads = Heads(parts.sessions, parts.vocabulary, taxonomy)
        return VisualApp(parts.sessions, parts.vision, taxonomy, heads)

    @cached_property
    def textual(self) -> TextualApp:
        with without("torch"):
            from scenograph.runtime.contracts import Parser
            from scenograph.textual.app import TextualApp
            from scenograph.textual.neural_parser import MODEL, NeuralParser

        parts, pack = self.parts, self.parts.pack
        rules = parts.process.rules_parser(pack, parts.closing)
        parsers: dict[Parser, SentenceParser] = {Parser.RULES: rules}
        if parts.has(MODEL):
            parts.needs(MODEL)
            parsers[Parser.NEURAL] = NeuralParser(parts.sessions, parts.texts, parts.vocabulary, rules)
        default = Parser[parts.settings.textual.parser.upper()]
        return TextualApp(
            parsers, default if default in parsers else Parser.RULES, pack.id, units=parts.text_units
        )

    @cached_property
    def encoder(self) -> EncoderApp:
        from scenograph.encoder.app import HEADS, EncoderApp

        parts = self.parts
        parts.needs(*HEADS)
        return EncoderApp(parts.sessions, parts.vision, parts.texts)

    @cached_property
    def hashing(self) -> HashingApp:
        from scenograph.hashing.app import MODEL, HashingApp

        self.parts.needs(MODEL)
        return HashingApp(self.parts.sessions)

    @cached_property
    def matching(self) -> MatchingApp:
        from scenograph.matching.app import MODEL, MatchingApp
        from scenograph.matching.learned import MODEL as UNIT_MODEL
        from scenograph.matching.mixing import WEIGHTS
        from scenograph.runtime.contracts import MatchWeights

        parts = self.parts
        parts.needs(MODEL)
        if parts.text_units is not None:
            parts.needs(UNIT_MODEL)
        weights = MatchWeights(**parts.pack.manifest.match) if parts.pack.manifest.match else WEIGHTS
        return MatchingApp(
            parts.sessions, parts.words, parts.vocabulary, units=parts.text_units, weights=weights
        )

    @cached_property
    def engine(self) -> Engine:
        """What the pack does for the gateway, with the services that the settings give no address."""
        from scenograph.gateway.engine import Engine

        process = self.parts.process
        reached = process.reached
        return Engine(
            self.pack_info(),
            visual=reached.visual or self.visual,
            textual=reached.textual or self.textual,
            encoder=reached.encoder or self.encoder,
            hashing=reached.hashing or self.hashing,
            matching=reached.matching or self.matching,
            index=process.index,
            cache=process.cache,
            uploads=process.uploads,
            limits=process.limits,
            admission=process.admission,
            rank_admission=process.rank_admission,
            metrics=process.metrics,
        )

    @cached_property
    def inference(self) -> InferenceApp:
        from scenograph.cli.compose.inference import inference

        return inference(self)

    @property
    def index(self) -> Index:
        return self.parts.process.own_index

    def make(self) -> None:
        """Makes the apps of this process's services (blocking; it reads files)."""
        services = self.parts.process.services
        for service in services:
            if service == "gateway":
                assert self.engine is not None
            elif service != "index":
                getattr(self, service)
        if self.parts.process.serves_inference:
            assert self.inference is not None

    def pack_info(self) -> PackInfo:
        """What the gateway knows of the pack."""
        from scenograph.gateway.packs import PackInfo, PackLevel
        from scenograph.gateway.requests import FusionWeights
        from scenograph.packs.manifest import Level as ManifestLevel
        from scenograph.runtime.contracts import DEFAULT_BITS, Level

        pack = self.parts.pack
        weights = pack.manifest.fusion
        size = int(next(output.shape[-1] for output in pack.manifest.models["text_head"].outputs))
        levels = pack.manifest.levels or [ManifestLevel("scene", 0, size, 1.0, [(0, DEFAULT_BITS)])]
        return PackInfo(
            name=pack.name,
            version=pack.id,
            embedding_size=size,
            fusion=FusionWeights(weights["coarse"], weights["float"], weights["graph"]),
            levels=tuple(
                PackLevel(level.name, level.weight, Level(level.start, level.stop, tuple(level.bits)))
                for level in levels
            ),
        )
