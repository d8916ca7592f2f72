"""VisualApp: what is in an image, as a scene graph."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from scenograph.runtime.checks import check_count
from scenograph.runtime.contracts import VisualBatch, VisualGraph
from scenograph.runtime.sessions import Sessions
from scenograph.runtime.vision import Sight, Vision
from scenograph.scene.errors import PackCorrupt, ScenographError
from scenograph.scene.graph import SceneGraph
from scenograph.scene.visual import build_visual_graph
from scenograph.scene.visual_taxonomy import Taxonomy
from scenograph.scene.visual_units import unit_places, visual_inputs
from scenograph.visual.heads import Heads
from scenograph.visual.units import MODEL as UNIT_MODEL
from scenograph.visual.units import with_units

MAX_IMAGES = 64


class VisualApp:
    """Builds scene graphs from images (contracts.VisualGraphs), with what `heads` say where a pack has them.

    Errors: PackCorrupt where the pack's models have not the taxonomy's classes.
    """

    def __init__(
        self, sessions: Sessions, vision: Vision, taxonomy: Taxonomy, heads: Heads | None = None
    ) -> None:
        self._sessions = sessions
        self._vision = vision
        self._taxonomy = taxonomy
        self._heads = heads
        self._check_sizes()

    async def build(
        self, images: Sequence[bytes], *, include_features: bool = False, include_units: bool = False
    ) -> VisualBatch:
        """One graph, or one error, for each image, in order.

        Errors: InvalidInput (batch size), QueueFull.
        """
        check_count(images, MAX_IMAGES, "images")
        sights, timings = await self._vision.look(images)
        start = time.perf_counter()
        results = await asyncio.gather(
            *(self._result(sight, include_features, include_units) for sight in sights)
        )
        timings = {**timings, "graph": (time.perf_counter() - start) * 1e3}
        return VisualBatch(list(results), self._sessions.pack.id, timings)

    async def _result(
        self, sight: Sight | ScenographError, include_features: bool, include_units: bool
    ) -> VisualGraph | ScenographError:
        if isinstance(sight, ScenographError):
            return sight
        units = include_units and UNIT_MODEL in self._sessions.pack.manifest.models
        graph = await self._sessions.offload(self._graph, sight, units)
        return VisualGraph(graph, sight.width, sight.height, sight.features if include_features else None)

    def _graph(self, sight: Sight, units: bool) -> SceneGraph:
        """Blocking: measures, and runs the models that look at regions."""
        detections = sight.detections()
        graph = build_visual_graph(
            detections,
            sight.features.class_probabilities,
            sight.cells,
            sight.preview,
            self._taxonomy,
        )
        if not units and self._heads is None:
            return graph
        places = unit_places(detections)
        seen = visual_inputs(places, sight.maps, sight.features.pooled, sight.features.detector_pooled)
        if self._heads is not None:
            graph = self._heads.add(graph, places, seen)
        return with_units(self._sessions, graph, places, seen) if units else graph

    def _check_sizes(self) -> None:
        pack = self._sessions.pack
        for model, output, names in (
            ("backbone", "probs", self._taxonomy.class_names),
            ("detector", "scores", self._taxonomy.object_names),
        ):
            size = next(spec.shape[-1] for spec in pack.manifest.models[model].outputs if spec.name == output)
            if size != len(names):
                raise PackCorrupt(f"pack {pack.id}: {model} has {size} classes, {len(names)} have names")
