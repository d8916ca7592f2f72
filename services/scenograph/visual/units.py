"""Units of images: the regions, cells and scene that the learned matcher compares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scenograph.runtime.sessions import Sessions
from scenograph.runtime.vision import Sight
from scenograph.scene.graph import SceneGraph
from scenograph.scene.visual_units import unit_places, visual_graph_units, visual_inputs

MODEL = "visual_units"


def with_units(sessions: Sessions, sight: Sight, graph: SceneGraph) -> SceneGraph:
    """The image's graph with its units. Blocking: pools the maps and runs the model."""
    places = unit_places(sight.detections)
    feeds = visual_inputs(places, sight.maps, sight.features.pooled, sight.features.detector_pooled)
    answer = sessions.infer(MODEL, feeds)
    boxes = np.array(
        [
            (0.0, 0.0, 0.0, 0.0) if node.box is None else (node.box.x0, node.box.y0, node.box.x1, node.box.y1)
            for node in graph.nodes
        ],
        dtype=np.float32,
    ).reshape(-1, 4)
    return replace(graph, units=visual_graph_units(places, answer["vectors"][0], answer["scene"][0], boxes))
