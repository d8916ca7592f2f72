"""A tensor's elements on the wire <-> arrays: raw bytes, or one typed field for each datatype."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import prod
from typing import Any, Final

import numpy as np

from scenograph.inference.tensors import DTYPES, Array, datatype_of
from scenograph.oip import inference_pb2 as pb
from scenograph.scene.errors import InvalidInput

FIELDS: Final[dict[str, str]] = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Datatype -> its field of InferTensorContents; FP16 has none and travels raw."""

MOST_DIMENSIONS = 32
_LENGTH = struct.Struct("<I")


def from_raw(name: str, datatype: str, shape: Sequence[int], data: bytes) -> Array:
    """The array of raw bytes, which it shares.  Errors: InvalidInput (number of bytes or elements)."""
    dtype = _dtype(name, datatype)
    count = _count(name, shape)
    if datatype == "BYTES":
        return _objects(name, _split(name, data), shape, count)
    if len(data) != count * dtype.itemsize:
        raise _wrong(
            name, f"{datatype} {list(shape)} takes {count * dtype.itemsize} bytes, {len(data)} given"
        )
    return np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(shape)


def from_contents(name: str, datatype: str, shape: Sequence[int], contents: pb.InferTensorContents) -> Array:
    """The array of typed contents.  Errors: InvalidInput (field, number of elements, range)."""
    dtype = _dtype(name, datatype)
    count = _count(name, shape)
    given = [field.name for field, _ in contents.ListFields()]
    if datatype not in FIELDS:
        raise _wrong(name, f"{datatype} is sent in raw_input_contents alone")
    if any(field != FIELDS[datatype] for field in given):
        raise _wrong(name, f"{datatype} is sent in {FIELDS[datatype]}, not in {', '.join(given)}")
    values = list(getattr(contents, FIELDS[datatype]))
    if datatype == "BYTES":
        return _objects(name, values, shape, count)
    if len(values) != count:
        raise _wrong(name, f"{list(shape)} takes {count} elements, {len(values)} given")
    try:
        return np.array(values, dtype=dtype).reshape(shape)
    except OverflowError as error:
        raise _wrong(name, f"an element is no {datatype}: {error}") from error


def to_raw(array: Array) -> bytes:
    """Little-endian bytes in row-major order; before each element of BYTES its length in 4 bytes."""
    if array.dtype == np.object_:
        return b"".join(_LENGTH.pack(len(value)) + value for value in array.ravel())
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def to_contents(array: Array) -> pb.InferTensorContents:
    """The array in the field of its datatype.  Errors: KeyError where it has none."""
    field: Any = FIELDS[datatype_of(array.dtype)]
    return pb.InferTensorContents(**{field: array.ravel().tolist()})


def _split(name: str, data: bytes) -> list[bytes]:
    values: list[bytes] = []
    place = 0
    while place < len(data):
        start = place + _LENGTH.size
        end = start + _LENGTH.unpack_from(data, place)[0] if start <= len(data) else start
        if end > len(data):
            raise _wrong(name, f"its bytes end within element {len(values)}")
        values.append(data[start:end])
        place = end
    return values


def _objects(name: str, values: Sequence[bytes], shape: Sequence[int], count: int) -> Array:
    if len(values) != count:
        raise _wrong(name, f"{list(shape)} takes {count} elements, {len(values)} given")
    array = np.empty(count, dtype=np.object_)
    array[:] = values
    return array.reshape(shape)


def _dtype(name: str, datatype: str) -> np.dtype[Any]:
    if datatype not in DTYPES:
        raise _wrong(name, f'no datatype "{datatype}"; there are {", ".join(DTYPES)}')
    return DTYPES[datatype]


def _count(name: str, shape: Sequence[int]) -> int:
    if any(size < 0 for size in shape):
        raise _wrong(name, f"a size is at least 0: {list(shape)}")
    if len(shape) > MOST_DIMENSIONS:
        raise _wrong(name, f"at most {MOST_DIMENSIONS} dimensions, not {len(shape)}")
    return prod(shape)


def _wrong(name: str, message: str) -> InvalidInput:
    return InvalidInput(f'input "{name}": {message}', field=f"inputs[{name}]")
