"""Tensors as the protocol names them: datatypes, what a model says of its tensors, whether arrays are so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scenograph.scene.errors import InvalidInput

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = Mapping[str, Array]

DTYPES: Final[Mapping[str, np.dtype[Any]]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
    "BYTES": np.dtype(np.object_),
}
"""The protocol's datatypes; an array of BYTES holds `bytes` objects."""

MOST_PAIRS = 2**25
"""Vectors of two inputs that a model may have to compare one by one: 128 MiB of float32."""

_DATATYPES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or output of a model; a size that is free is its name ("batch")."""

    name: str
    datatype: str
    shape: tuple[int | str, ...]

    @property
    def free(self) -> frozenset[str]:
        """The names of the free sizes."""
        return frozenset(size for size in self.shape if isinstance(size, str))


def datatype_of(dtype: np.dtype[Any]) -> str:
    """The protocol's name of a type of array.  Errors: KeyError where it has none."""
    return _DATATYPES[dtype]


def check_feeds(model: str, inputs: Sequence[TensorInfo], feeds: Arrays) -> None:
    """Refuse arrays that are not those that the model takes.

    Errors: InvalidInput (missing, unknown, of another datatype or shape, all empty, or too many to compare).
    """
    known = [info.name for info in inputs]
    for name in feeds:
        if name not in known:
            raise InvalidInput(
                f'model "{model}" has no input "{name}"; it takes {", ".join(known)}', field=f"inputs[{name}]"
            )
    sizes: dict[str, int] = {}
    for info in inputs:
        if info.name not in feeds:
            raise InvalidInput(
                f'model "{model}" needs the input "{info.name}" ({_said(info)})', field=f"inputs[{info.name}]"
            )
        _check_feed(info, feeds[info.name], sizes)
    if not any(feed.size for feed in feeds.values()):
        raise InvalidInput(f'the inputs of model "{model}" are empty', field="inputs")
    _check_pairs(inputs, sizes)


def _check_feed(info: TensorInfo, feed: Array, sizes: dict[str, int]) -> None:
    """Compares one array with what is said of it, and its free sizes with those of the inputs before it."""
    field = f"inputs[{info.name}]"
    datatype = datatype_of(feed.dtype)
    if datatype != info.datatype:
        raise InvalidInput(f'input "{info.name}" takes {_said(info)}, not {datatype}', field=field)
    fits = len(feed.shape) == len(info.shape) and all(
        isinstance(size, str) or size == given for size, given in zip(info.shape, feed.shape, strict=True)
    )
    if not fits:
        raise InvalidInput(f'input "{info.name}" takes {_said(info)}, not {list(feed.shape)}', field=field)
    for size, given in zip(info.shape, feed.shape, strict=True):
        if isinstance(size, str) and sizes.setdefault(size, given) != given:
            raise InvalidInput(
                f'input "{info.name}" takes {_said(info)}: "{size}" is {given} here and {sizes[size]} before',
                field=field,
            )


def _check_pairs(inputs: Sequence[TensorInfo], sizes: Mapping[str, int]) -> None:
    """Two inputs without a common free size are compared each with each: small ones can ask for a lot."""
    for one, other in combinations(inputs, 2):
        if one.free & other.free:
            continue
        pairs = prod(sizes[size] for size in one.free | other.free)
        if pairs > MOST_PAIRS:
            raise InvalidInput(
                f'inputs "{one.name}" and "{other.name}" make {pairs} pairs; {MOST_PAIRS} are allowed',
                field=f"inputs[{one.name}]",
            )


def _said(info: TensorInfo) -> str:
    return f"{info.datatype} [{', '.join(map(str, info.shape))}]"
