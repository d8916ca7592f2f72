"""Units of images: the regions, cells and scene that the learned matcher compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from scenograph.runtime.contracts import FloatArray
from scenograph.runtime.sessions import Sessions
from scenograph.scene.graph import SceneGraph
from scenograph.scene.visual_units import Places, visual_graph_units

MODEL = "visual_units"


def with_units(
    sessions: Sessions, graph: SceneGraph, places: Places, seen: Mapping[str, FloatArray]
) -> SceneGraph:
    """The image's graph with its units; `seen` is `visual_inputs` of these places. Blocking."""
    answer = sessions.infer(MODEL, seen)
    boxes = np.array(
        [
            (0.0, 0.0, 0.0, 0.0) if node.box is None else (node.box.x0, node.box.y0, node.box.x1, node.box.y1)
            for node in graph.nodes
        ],
        dtype=np.float32,
    ).reshape(-1, 4)
    return replace(graph, units=visual_graph_units(places, answer["vectors"][0], answer["scene"][0], boxes))
