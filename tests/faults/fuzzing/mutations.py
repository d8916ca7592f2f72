"""What is done to a valid message: fields, by their kinds, and the bytes on the wire."""

from __future__ import annotations

import random
import sys
from contextlib import suppress
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from tests.faults.fuzzing import images

LONG = 70_000
MOST_COPIES = 1500
MOST_BYTES = 2_000_000
STRINGS = (
    "",
    " ",
    "\0",
    "a",
    "..",
    "../../../etc/passwd",
    "'; DROP TABLE items; --",
    "%s%n%x{0}",
    "\u202e\u0645\u0631\u062d\u0628\u0627",
    "👩‍👩‍👧‍👦" * 20,
    "e\u0301" * 300,
    "\ufffe\uffff",
    "\U0010ffff",
    "a" * LONG,
    "(" * 5000,
    "((a)-[b]->" * 400,
    "(dog {red, ",
    "(dog)-[on]->(sofa), not (cat)",
    'topic = "space" AND (year > 3',
    "NOT " * 2000 + "a:*",
    "a.b.c:d OR -x",
    "the " * 400,
    "dog and cat or " * 60,
    "-1",
    "NaN",
    "default@0.0.0",
)
FLOATS = (0.0, -0.0, 1.0, -1.0, float("nan"), float("inf"), float("-inf"), 3.4e38, 1e-45, -3.4e38)
_F = FieldDescriptor
_INTS = {
    _F.TYPE_INT32: (31, True),
    _F.TYPE_SINT32: (31, True),
    _F.TYPE_SFIXED32: (31, True),
    _F.TYPE_INT64: (63, True),
    _F.TYPE_SINT64: (63, True),
    _F.TYPE_SFIXED64: (63, True),
    _F.TYPE_UINT32: (32, False),
    _F.TYPE_FIXED32: (32, False),
    _F.TYPE_UINT64: (64, False),
    _F.TYPE_FIXED64: (64, False),
    _F.TYPE_ENUM: (31, True),
}


def mutate(message: Message, choose: random.Random) -> None:
    """Changes from one to four fields, at any depth; what protobuf itself does not take stays as it was."""
    for _ in range(choose.choice((1, 1, 2, 4))):
        with suppress(DecodeError):  # copies of what is nested too deep
            _mutate_field(message, choose)


def garbled(content: bytes, choose: random.Random) -> bytes:
    """Wire bytes with flipped bits, a lost or a strange end, or lengths that lie."""
    how, out = choose.randrange(5), bytearray(content)
    if how == 0:
        return bytes(out[: choose.randrange(len(out) + 1)])
    if how == 1:
        return bytes(out) + choose.randbytes(choose.randrange(1, 64))
    if how == 2:
        return bytes(out) + b"\x0a\xff\xff\xff\xff\x0f"  # a field of 4 GiB
    if how == 3:
        return b"\x0b" * choose.randrange(1, 5000) + bytes(out)  # groups in groups
    for _ in range(choose.choice((1, 3, 20))):
        if out:
            out[choose.randrange(len(out))] ^= 1 << choose.randrange(8)
    return bytes(out)


def _mutate_field(message: Message, choose: random.Random) -> None:
    fields = [field for field, _ in message.ListFields()]
    if not fields or choose.random() < 0.15:
        fields = [*message.DESCRIPTOR.fields]
    if not fields:
        return
    field = choose.choice(fields)
    if field.is_repeated:
        _mutate_list(message, field, choose)
    elif field.message_type is not None:
        inner = getattr(message, field.name)
        if choose.random() < 0.1:
            message.ClearField(field.name)
        elif field.message_type.full_name == "google.protobuf.Struct" and choose.random() < 0.5:
            _fill_struct(inner, choose)
        else:
            inner.SetInParent()
            _mutate_field(inner, choose)
    else:
        setattr(message, field.name, _value(field, getattr(message, field.name), choose))


def _mutate_list(message: Message, field: FieldDescriptor, choose: random.Random) -> None:
    values: Any = getattr(message, field.name)
    how = choose.randrange(5)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        if how == 0:
            message.ClearField(field.name)
        elif field.message_type.fields_by_name["key"].type == _F.TYPE_STRING:
            entry = values[choose.choice(STRINGS)]  # makes it, where it is of messages
            if isinstance(entry, Message):
                _mutate_field(entry, choose)
        return
    if how == 0 or not len(values):
        if field.message_type is not None:
            values.add()
        else:
            values.append(_value(field, field.default_value or None, choose))
    elif how == 1:
        del values[choose.randrange(len(values)) :]
    elif how == 2 and message.ByteSize() < MOST_BYTES // 10:
        one = values[choose.randrange(len(values))]
        size = one.ByteSize() if isinstance(one, Message) else len(one) if isinstance(one, str | bytes) else 8
        copies = min(choose.choice((1, 10, MOST_COPIES)), MOST_BYTES // max(1, size))
        values.extend([one] * copies)
    else:
        place = choose.randrange(len(values))
        if field.message_type is not None:
            _mutate_field(values[place], choose)
        else:
            values[place] = _value(field, values[place], choose)


def _value(field: FieldDescriptor, value: Any, choose: random.Random) -> Any:
    kind = field.type
    if kind == _F.TYPE_STRING:
        return _string(value or "", choose)
    if kind == _F.TYPE_BYTES:
        return _bytes(value or b"", choose)
    if kind == _F.TYPE_BOOL:
        return not value
    if kind in (_F.TYPE_FLOAT, _F.TYPE_DOUBLE):
        extreme = (*FLOATS, sys.float_info.max) if kind == _F.TYPE_DOUBLE else FLOATS
        return choose.choice(extreme) if choose.random() < 0.7 else choose.uniform(-10, 10)
    bits, signed = _INTS[kind]
    least, most = (-(2**bits), 2**bits - 1) if signed else (0, 2**bits - 1)
    picked = choose.choice(
        (0, 1, 2, -1, 7, 99, 1000, 1001, 100_001, least, most, choose.randrange(least, most))
    )
    return min(most, max(least, picked))


def _string(value: str, choose: random.Random) -> str:
    if choose.random() < 0.6 or not value:
        return choose.choice(STRINGS)
    at = choose.randrange(len(value) + 1)
    return choose.choice((value[:at], value * 3, value[:at] + choose.choice(STRINGS)[:500] + value[at:]))


def _bytes(value: bytes, choose: random.Random) -> bytes:
    if value and choose.random() < 0.7:
        return images.mutated(value, choose)
    size = choose.choice((0, 1, 31, 32, 33, 64, 5000, 500_000))
    return choose.randbytes(size) if choose.random() < 0.5 else bytes(size)


def _fill_struct(struct: Any, choose: random.Random) -> None:
    """Metadata of strange keys and values, and nested very deep at times."""
    for _ in range(choose.randrange(4)):
        struct[choose.choice(STRINGS)[:2000]] = choose.choice(
            (*STRINGS, *FLOATS, None, True, [], {}, ["a", 1.0])
        )
    if choose.random() < 0.2:
        inner = struct
        for _ in range(choose.choice((10, 40, 80))):
            inner = inner.get_or_create_struct("a")
