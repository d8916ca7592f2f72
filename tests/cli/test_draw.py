"""Graphs drawn on photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from PIL import Image
from tests.strategies import scene_graphs
from tests.support import sample_photo

from scenograph.cli.draw import SIDE, draw_graph
from scenograph.scene.graph import Attribute, Box, Edge, Node, SceneGraph, Tag

PHOTO = sample_photo("coffee.png")
GRAPH = SceneGraph(
    (
        Node("cup", attributes=(Attribute("red"),), score=0.95, box=Box(0.29, 0.03, 0.69, 0.6)),
        Node("dining table", score=0.76, box=Box(0.0, 0.0, 0.99, 1.0)),
        Node("spoon", score=0.5),
    ),
    (Edge(0, "on", 1, 0.7), Edge(2, "next to", 0, 0.5)),
    (Tag("coffee", 0.87),),
)


def drawn(path: Path) -> Image.Image:
    with Image.open(path) as opened:
        return opened.convert("RGB")


def test_draws_on_the_photo_and_writes_below_it(tmp_path: Path) -> None:
    plain, full = tmp_path / "plain.png", tmp_path / "full.png"
    draw_graph(PHOTO, SceneGraph(), plain)
    draw_graph(PHOTO.read_bytes(), GRAPH, full)
    photo, picture = drawn(plain), drawn(full)
    assert photo.size == (SIDE, round(SIDE * 400 / 600))
    assert picture.width == photo.width
    assert picture.height > photo.height  # the caption
    changed = np.abs(
        np.asarray(photo, dtype=int) - np.asarray(picture.crop((0, 0, *photo.size)), dtype=int)
    ).max(axis=2)
    assert 0.01 < (changed > 30).mean() < 0.25  # lines and labels, and most of the photo as it was


def test_the_suffix_decides_the_format(tmp_path: Path) -> None:
    out = tmp_path / "graph.jpg"
    draw_graph(PHOTO, GRAPH, out)
    with Image.open(out) as opened:
        assert opened.format == "JPEG"
    with pytest.raises(ValueError, match="xyz"):
        draw_graph(PHOTO, GRAPH, tmp_path / "graph.xyz")


def test_what_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="identify"):
        draw_graph(b"no image", GRAPH, tmp_path / "out.png")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graph=scene_graphs())
def test_any_graph_can_be_drawn(graph: SceneGraph, tmp_path: Path) -> None:
    draw_graph(PHOTO, graph, tmp_path / "out.png")
    assert drawn(tmp_path / "out.png").width == SIDE
