"""The units of a scene graph: the vectors that a learned matcher compares, one for each thing it looks at.

They travel with the graph from where it was made to where it is matched, so the matcher needs the graphs
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float32]
IntArray: TypeAlias = NDArray[np.int32]
Packed: TypeAlias = "tuple[int, bytes, bytes, bytes, bytes, bytes, bytes]"

MAX_DIMENSION = 4096
LEVELS = 127  # of int8, both ways


class UnitKind(IntEnum):
    """What a unit stands for; numbers as in the proto."""

    OBJECT = 1
    RELATION = 2
    ATTRIBUTE = 3
    CELL = 4
    SCENE = 5


_FIRST, _LAST, _RELATION = int(min(UnitKind)), int(max(UnitKind)), int(UnitKind.RELATION)
# An enum's names are slow to look up, a hundred graphs a call.


class GraphUnits:
    """M unit vectors of d components, in int8 with a scale each: vector i is `vectors[i] * scales[i]`.

    `weights` (M,) say how much each counts, negative where it counts against. `kinds` (M,) are UnitKind
    numbers. `nodes` (M,) are places in the graph's nodes, or in its edges where the kind is RELATION; -1: the
    unit stands for none of them. `boxes` (M, 4) are x0, y0, x1, y1 in fractions of the image, a row of zeros
    for a unit without a place; None where no unit has one. The arrays are never written to.
    Shapes: vectors int8 (M, d); scales, weights float32; kinds int8; nodes int32; boxes float32.
    Errors: ValueError where shapes, types or values do not fit.
    """

    __slots__ = ("boxes", "kinds", "nodes", "scales", "vectors", "weights")

    def __init__(
        self,
        vectors: NDArray[np.int8],
        scales: ArrayLike,
        weights: ArrayLike,
        kinds: ArrayLike,
        nodes: ArrayLike,
        boxes: ArrayLike | None = None,
    ) -> None:
        if vectors.dtype != np.int8 or vectors.ndim != 2 or not 1 <= vectors.shape[1] <= MAX_DIMENSION:
            raise ValueError(f"unit vectors are int8 (M, d), not {vectors.dtype} {vectors.shape}")
        size = len(vectors)
        self.vectors = _frozen(vectors, np.int8, (size, vectors.shape[1]), "vectors")
        self.scales: FloatArray = _frozen(scales, np.float32, (size,), "scales")
        self.weights: FloatArray = _frozen(weights, np.float32, (size,), "weights")
        self.kinds: NDArray[np.int8] = _frozen(kinds, np.int8, (size,), "kinds")
        self.nodes: IntArray = _frozen(nodes, np.int32, (size,), "nodes")
        self.boxes: FloatArray | None = (
            None if boxes is None else _frozen(boxes, np.float32, (size, 4), "boxes")
        )
        self._check()

    @classmethod
    def quantised(
        cls,
        vectors: FloatArray,
        weights: ArrayLike,
        kinds: ArrayLike,
        nodes: ArrayLike,
        boxes: ArrayLike | None = None,
    ) -> GraphUnits:
        """Units from float vectors (M, d): each row scaled to the whole range of int8."""
        vectors = np.asarray(vectors, dtype=np.float32)
        scales = np.abs(vectors).max(axis=1, initial=0.0) / LEVELS
        whole = np.rint(vectors / np.where(scales > 0, scales, 1.0)[:, np.newaxis])
        return cls(whole.astype(np.int8), scales, weights, kinds, nodes, boxes)

    def dequantised(self) -> FloatArray:
        """The vectors.  Shapes: -> (M, d) float32."""
        return self.vectors.astype(np.float32) * self.scales[:, np.newaxis]

    @property
    def dimension(self) -> int:
        """d, the size of a vector."""
        return int(self.vectors.shape[1])

    def check_places(self, nodes: int, edges: int) -> None:
        """Raises ValueError where a unit stands for a node or edge that the graph has not."""
        if not len(self) or self.nodes.max() < min(nodes, edges):
            return
        ends = np.where(self.kinds == _RELATION, edges, nodes)
        if (self.nodes >= ends).any():
            place = int(np.argmax(self.nodes >= ends))
            raise ValueError(f"unit {place} stands for number {self.nodes[place]} of {ends[place]}")

    def take(self, places: Sequence[int] | NDArray[np.intp], nodes: ArrayLike | None = None) -> GraphUnits:
        """The units at these places, standing for the graph parts that `nodes` (n,) says, else as they do."""
        chosen = np.asarray(places, dtype=np.intp)
        return GraphUnits(
            self.vectors[chosen],
            self.scales[chosen],
            self.weights[chosen],
            self.kinds[chosen],
            self.nodes[chosen] if nodes is None else nodes,
            None if self.boxes is None else self.boxes[chosen],
        )

    def packed(self) -> Packed:
        """The size of a vector and the arrays' little-endian bytes, to store or to send."""
        boxes = b"" if self.boxes is None else self.boxes.tobytes()
        arrays = (self.vectors, self.scales, self.weights, self.kinds, self.nodes)
        vectors, scales, weights, kinds, nodes = (array.tobytes() for array in arrays)
        return self.dimension, vectors, scales, weights, kinds, nodes, boxes

    @classmethod
    def unpacked(cls, packed: Packed) -> GraphUnits:
        """What `packed` gave, values and all as they were checked then.

        Errors: ValueError where the bytes do not fit together.
        """
        dimension, vectors, scales, weights, kinds, nodes, boxes = packed
        size = len(kinds)
        sizes = (len(vectors), len(scales), len(weights), len(nodes))
        if dimension < 1 or sizes != (size * dimension, 4 * size, 4 * size, 4 * size):
            raise ValueError(f"{sizes} bytes are not {size} units of {dimension} components")
        if len(boxes) not in (0, 16 * size):
            raise ValueError(f"{len(boxes)} bytes are not {size} boxes")
        made = cls.__new__(cls)
        made.vectors = np.frombuffer(vectors, np.int8).reshape(size, dimension)
        made.scales = np.frombuffer(scales, "<f4")
        made.weights = np.frombuffer(weights, "<f4")
        made.kinds = np.frombuffer(kinds, np.int8)
        made.nodes = np.frombuffer(nodes, "<i4")
        made.boxes = np.frombuffer(boxes, "<f4").reshape(size, 4) if boxes else None
        return made

    def __len__(self) -> int:
        return len(self.vectors)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GraphUnits) and self.packed() == other.packed()

    def __hash__(self) -> int:
        return hash(self.packed())

    def __repr__(self) -> str:
        named = ", ".join(f"{int((self.kinds == kind).sum())} {kind.name.lower()}" for kind in UnitKind)
        return f"GraphUnits({len(self)} of {self.dimension} components: {named})"

    def _check(self) -> None:
        if not (np.isfinite(self.scales).all() and np.isfinite(self.weights).all()):
            raise ValueError("scales and weights of units are finite")
        if len(self) and self.scales.min() < 0:
            raise ValueError("scales of units are at least 0")
        if len(self) and not (self.kinds.min() >= _FIRST and self.kinds.max() <= _LAST):
            raise ValueError("a unit of an unknown kind")
        if len(self) and self.nodes.min() < -1:
            raise ValueError("a unit's node is a place from 0, or -1")
        if self.boxes is not None and not np.isfinite(self.boxes).all():
            raise ValueError("boxes of units are finite")


def joined(parts: Sequence[tuple[GraphUnits, int, int]]) -> GraphUnits | None:
    """Units of several graphs as one graph's: each with how far its nodes and its edges were moved.

    None where there are none.  Errors: ValueError where they have vectors of different sizes.
    """
    if not parts:
        return None
    all_units = [units for units, _, _ in parts]
    if len({units.dimension for units in all_units}) > 1:
        raise ValueError("units of different sizes are of different packs")
    moved = [
        np.where(
            units.nodes < 0,
            units.nodes,
            units.nodes + np.where(units.kinds == UnitKind.RELATION, edges, nodes),
        )
        for units, nodes, edges in parts
    ]
    boxes = [
        np.zeros((len(units), 4), np.float32) if units.boxes is None else units.boxes for units in all_units
    ]
    return GraphUnits(
        np.concatenate([units.vectors for units in all_units]),
        np.concatenate([units.scales for units in all_units]),
        np.concatenate([units.weights for units in all_units]),
        np.concatenate([units.kinds for units in all_units]),
        np.concatenate(moved),
        None if all(units.boxes is None for units in all_units) else np.concatenate(boxes),
    )


def encode_units(value: object) -> object:
    """For msgspec's `enc_hook`: units as `packed`.  Errors: NotImplementedError for anything else."""
    if isinstance(value, GraphUnits):
        return value.packed()
    raise NotImplementedError(f"{type(value).__name__} is not encoded")


def decode_units(kind: type[Any], value: Any) -> Any:
    """For msgspec's `dec_hook`: what `encode_units` gave.  Errors: ValueError where it is damaged."""
    if kind is GraphUnits:
        try:
            return GraphUnits.unpacked(value)
        except TypeError as error:
            raise ValueError(f"not units: {error}") from error
    raise NotImplementedError(f"{kind.__name__} is not decoded")


def _frozen(values: ArrayLike, dtype: Any, shape: tuple[int, ...], name: str) -> NDArray[Any]:
    """The values as an array that cannot be written to; a copy where the caller could."""
    array = np.asarray(values)
    if array.dtype != dtype or array.flags.writeable or not array.flags.c_contiguous:
        array = np.array(array, dtype=dtype, order="C")
        array.flags.writeable = False
    if array.shape != shape:
        raise ValueError(f"{name} of units have shape {shape}, not {array.shape}")
    return array
