"""Elements of tensors on the wire: both ways there and back, and what does not fit is said."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenograph.inference.contents import FIELDS, from_contents, from_raw, to_contents, to_raw
from scenograph.inference.converters import run_from_pb
from scenograph.inference.tensors import DTYPES
from scenograph.oip import inference_pb2 as pb
from scenograph.scene.errors import InvalidInput


@settings(deadline=None)
@given(st.sampled_from(sorted(DTYPES)), st.lists(st.integers(0, 4), max_size=3), st.randoms())
def test_there_and_back(datatype: str, shape: list[int], random: object) -> None:
    rng = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    numbers = rng.integers(0, 100, size=shape)
    if datatype == "BYTES":
        array = np.empty(shape, dtype=np.object_)
        for place in np.ndindex(*shape):
            array[place] = bytes(range(int(numbers[place])))
    else:
        array = np.asarray(numbers).astype(DTYPES[datatype])
    back = [from_raw("x", datatype, shape, to_raw(array))]
    if datatype in FIELDS:
        back.append(from_contents("x", datatype, shape, to_contents(array)))
    for one in back:
        assert one.dtype == array.dtype and one.shape == array.shape
        assert np.array_equal(one, array)


def test_raw_bytes_are_those_of_the_protocol() -> None:
    assert to_raw(np.array([b"ab", b""], dtype=np.object_)) == b"\x02\0\0\0ab\0\0\0\0"
    assert to_raw(np.array([1, -2], dtype=np.int16)) == b"\x01\0\xfe\xff"
    assert from_raw("x", "BOOL", [3], b"\x01\x00\x01").tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: from_raw("x", "FP32", [2, 2], b"1234"), r'input "x": FP32 \[2, 2\] takes 16 bytes, 4 given'),
        (lambda: from_raw("x", "FP32", [-1], b"1234"), "at least 0"),
        (lambda: from_raw("x", "FP31", [1], b"1234"), 'no datatype "FP31"; there are BOOL'),
        (lambda: from_raw("x", "BYTES", [1], b"\x05\0\0\0abc"), "its bytes end within element 0"),
        (lambda: from_raw("x", "BYTES", [1], b"\x05\0"), "its bytes end within element 0"),
        (lambda: from_raw("x", "BYTES", [2], b"\x01\0\0\0a"), r"\[2\] takes 2 elements, 1 given"),
        (
            lambda: from_contents("x", "FP32", [1], pb.InferTensorContents(fp64_contents=[1])),
            "FP32 is sent in fp32_contents, not in fp64_contents",
        ),
        (
            lambda: from_contents("x", "UINT8", [1], pb.InferTensorContents(uint_contents=[256])),
            "an element is no UINT8",
        ),
        (
            lambda: from_contents("x", "INT64", [2], pb.InferTensorContents(int64_contents=[1])),
            r"\[2\] takes 2 elements, 1 given",
        ),
        (lambda: from_contents("x", "FP16", [1], pb.InferTensorContents()), "raw_input_contents alone"),
    ],
)
def test_what_does_not_fit(make: Callable[[], object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        make()
    assert caught.value.violations[0].field == "inputs[x]"


def _tensor(name: str, *values: float) -> pb.ModelInferRequest.InferInputTensor:
    contents = pb.InferTensorContents(fp32_contents=values) if values else None
    return pb.ModelInferRequest.InferInputTensor(name=name, datatype="FP32", shape=[1], contents=contents)


@pytest.mark.parametrize(
    ("request_pb", "words"),
    [
        (pb.ModelInferRequest(inputs=[_tensor("x", 1), _tensor("x", 2)]), "given twice"),
        (pb.ModelInferRequest(inputs=[_tensor("x")], raw_input_contents=[b"1234"] * 2), "2 entries for 1"),
        (pb.ModelInferRequest(inputs=[_tensor("x", 1)], raw_input_contents=[b"1234"]), "and raw"),
    ],
)
def test_requests_that_contradict_themselves(request_pb: pb.ModelInferRequest, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        run_from_pb(request_pb)
