"""A scene graph drawn on its photo: boxes, labels with attributes, relations as labelled arrows."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFont, ImageOps

from scenograph.scene.graph import Box, Edge, Node, SceneGraph

Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont
Colour: TypeAlias = tuple[int, int, int]

SIDE = 1000  # the shorter pictures are enlarged, the longer shrunk, to so many pixels on the longer side
# Distinct on photos and for colour-blind readers. Source: Okabe and Ito 2008.
COLOURS: tuple[Colour, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
_INK, _PAPER = (20, 20, 20), (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in pixels."""

    x0: float
    y0: float
    x1: float
    y1: float

    def overlap(self, other: Rect) -> float:
        """Pixels that both cover."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0.0, width) * max(0.0, height)

    def within(self, width: float, height: float) -> Rect:
        """The same size, moved into the picture."""
        dx = max(0.0, -self.x0) - max(0.0, self.x1 - width)
        dy = max(0.0, -self.y0) - max(0.0, self.y1 - height)
        return Rect(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy)


def draw_graph(image: bytes | Path, graph: SceneGraph, out: Path, *, max_edges: int = 12) -> None:
    """Draw a graph on its photo and save it, in the format that `out`'s suffix names.

    Nodes without a box and the tags are written below the photo; of the relations the `max_edges` surest are
    drawn.
    Errors: OSError (not an image, or not writable), ValueError (unknown suffix).
    """
    with Image.open(io.BytesIO(image) if isinstance(image, bytes) else image) as opened:
        photo = ImageOps.exif_transpose(opened).convert("RGB")
    scale = SIDE / max(photo.size)
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    photo = photo.resize(size, Image.Resampling.LANCZOS)
    canvas = _Canvas(photo, ImageFont.load_default(15))
    placed = [(index, node, node.box) for index, node in enumerate(graph.nodes) if node.box is not None]
    for index, _, box in sorted(placed, key=lambda item: -item[2].area):
        canvas.outline(box, _colour(index))
    centres = canvas.label_nodes(placed)
    edges = sorted(graph.edges, key=lambda edge: -edge.score)
    drawn = [edge for edge in edges if edge.subject in centres and edge.object in centres][:max_edges]
    canvas.connect(drawn, centres)
    canvas.finish(_caption(graph, [node for node in graph.nodes if node.box is None])).save(out)


class _Canvas:
    """A photo that is drawn on, and the places already taken by labels."""

    def __init__(self, photo: Image.Image, font: Font) -> None:
        self._photo = photo
        self._draw = ImageDraw.Draw(photo, "RGBA")
        self._font = font
        self._taken: list[Rect] = []

    def outline(self, box: Box, colour: Colour) -> None:
        rect = self._pixels(box)
        corners = (rect.x0 + 1, rect.y0 + 1, rect.x1 - 2, rect.y1 - 2)
        self._draw.rectangle(corners, outline=(*_INK, 150), width=5)
        self._draw.rectangle(corners, outline=colour, width=3)

    def label_nodes(self, placed: Sequence[tuple[int, Node, Box]]) -> dict[int, tuple[float, float]]:
        """Write each label at its box, small boxes first, and answer where arrows start and end."""
        anchors = {}
        for index, node, box in sorted(placed, key=lambda item: item[2].area):
            rect = self._pixels(box)
            text = _describe(node)
            width, height = self._size(text)
            spots = [
                (rect.x0, rect.y0 - height),
                (rect.x0, rect.y0),
                (rect.x1 - width, rect.y0),
                (rect.x0, rect.y1 - height),
                (rect.x1 - width, rect.y1 - height),
                (rect.x0, rect.y1),
                ((rect.x0 + rect.x1 - width) / 2, (rect.y0 + rect.y1 - height) / 2),
            ]
            spots += [(rect.x0, rect.y0 + step * (height + 2)) for step in range(1, 8)]
            spot = self._best(spots, width, height)
            self._tag(spot, text, _colour(index))
            anchors[index] = ((spot.x0 + spot.x1) / 2, (spot.y0 + spot.y1) / 2)
        return anchors

    def connect(self, edges: Sequence[Edge], anchors: dict[int, tuple[float, float]]) -> None:
        """Arrows from label to label, then their words on top."""
        starts = {index: self._label_at(anchor) for index, anchor in anchors.items()}
        words = []
        for edge in edges:
            tail, head = starts[edge.subject], starts[edge.object]
            line = _between(tail, head)
            self._arrow(line, _colour(edge.subject))
            words.append((edge, line))
        for edge, (x0, y0, x1, y1) in words:
            width, height = self._size(edge.predicate)
            spots = [
                (x0 + t * (x1 - x0) - width / 2, y0 + t * (y1 - y0) - height / 2)
                for t in (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8)
            ]
            self._tag(self._best(spots, width, height), edge.predicate, _PAPER, border=_colour(edge.subject))

    def finish(self, caption: str) -> Image.Image:
        """The photo with the caption below it."""
        if not caption:
            return self._photo
        lines = _wrap(caption, self._font, self._photo.width - 16)
        height = round(self._size("Ag")[1])
        page = Image.new("RGB", (self._photo.width, self._photo.height + height * len(lines) + 12), _PAPER)
        page.paste(self._photo)
        draw = ImageDraw.Draw(page)
        for row, line in enumerate(lines):
            draw.text((8, self._photo.height + 6 + row * height), line, _INK, self._font)
        return page

    def _pixels(self, box: Box) -> Rect:
        width, height = self._photo.size
        return Rect(box.x0 * width, box.y0 * height, box.x1 * width, box.y1 * height)

    def _size(self, text: str) -> tuple[float, float]:
        left, _, right, _ = self._draw.textbbox((0, 0), text, self._font)
        _, top, _, bottom = self._draw.textbbox((0, 0), "Ag", self._font)
        return right - left + 10, bottom - top + 10

    def _best(self, spots: Sequence[tuple[float, float]], width: float, height: float) -> Rect:
        """The first spot that covers no label, else the one that covers least."""
        rects = [Rect(x, y, x + width, y + height).within(*self._photo.size) for x, y in spots]
        best = min(rects, key=lambda rect: sum(rect.overlap(other) for other in self._taken))
        self._taken.append(best)
        return best

    def _label_at(self, anchor: tuple[float, float]) -> Rect:
        return min(
            self._taken,
            key=lambda r: abs((r.x0 + r.x1) / 2 - anchor[0]) + abs((r.y0 + r.y1) / 2 - anchor[1]),
        )

    def _tag(self, rect: Rect, text: str, paper: Colour, *, border: Colour | None = None) -> None:
        corners = (rect.x0, rect.y0, rect.x1, rect.y1)
        self._draw.rounded_rectangle(
            corners, 4, fill=(*paper, 235), outline=border or _INK, width=1 if border is None else 2
        )
        ink = _INK if 0.3 * paper[0] + 0.59 * paper[1] + 0.11 * paper[2] > 120 else _PAPER
        self._draw.text((rect.x0 + 5, (rect.y0 + rect.y1) / 2), text, ink, self._font, anchor="lm")

    def _arrow(self, line: tuple[float, float, float, float], colour: Colour) -> None:
        x0, y0, x1, y1 = line
        angle = math.atan2(y1 - y0, x1 - x0)
        wings = [(x1 - 13 * math.cos(angle + turn), y1 - 13 * math.sin(angle + turn)) for turn in (0.4, -0.4)]
        for width, ink in ((6, (*_INK, 170)), (3, (*colour, 255))):
            self._draw.line((x0, y0, x1, y1), fill=ink, width=width)
        self._draw.polygon([(x1, y1), *wings], fill=colour, outline=_INK)


def _between(tail: Rect, head: Rect) -> tuple[float, float, float, float]:
    """The line between two labels, from edge to edge."""
    start = ((tail.x0 + tail.x1) / 2, (tail.y0 + tail.y1) / 2)
    end = ((head.x0 + head.x1) / 2, (head.y0 + head.y1) / 2)
    return (*_leave(tail, start, end), *_leave(head, end, start))


def _leave(rect: Rect, inside: tuple[float, float], outside: tuple[float, float]) -> tuple[float, float]:
    """Where the way from a label's centre to a point outside crosses the label's edge."""
    dx, dy = outside[0] - inside[0], outside[1] - inside[1]
    steps = [1.0]
    if dx:
        steps.append((rect.x1 - rect.x0) / 2 / abs(dx))
    if dy:
        steps.append((rect.y1 - rect.y0) / 2 / abs(dy))
    part = min(steps)
    return inside[0] + part * dx, inside[1] + part * dy


def _describe(node: Node) -> str:
    """ "small red car 0.87"."""
    words = [("not " if a.negated else "") + a.name for a in node.attributes]
    return " ".join([*words, node.label, f"{node.score:.2f}"])


def _caption(graph: SceneGraph, loose: Sequence[Node]) -> str:
    parts = []
    if loose:
        parts.append("Also: " + ", ".join(_describe(node) for node in loose))
    if graph.tags:
        parts.append("Tags: " + ", ".join(f"{tag.label} {tag.score:.2f}" for tag in graph.tags))
    return "   ".join(parts)


def _wrap(text: str, font: Font, width: float) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _colour(index: int) -> Colour:
    return COLOURS[index % len(COLOURS)]
