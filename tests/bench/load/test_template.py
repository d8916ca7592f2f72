"""Template actions in data and metadata."""

from __future__ import annotations

import uuid

import pytest

from scenograph.bench.load.template import Call, Called, Template
from scenograph.scene.errors import InvalidInput

CALLED = Called("a.B.C", "C", "B", "In", "Out", client_streaming=False, server_streaming=True)
CALL = Call(41, "g1c2", CALLED)


def test_fields() -> None:
    text = "{{.RequestNumber}} {{ .WorkerID }} {{.MethodName}} {{.IsServerStreaming}}"
    assert Template(text).fill(CALL) == "41 g1c2 C true"
    assert int(Template("{{.TimestampUnixMilli}}").fill(CALL)) > 1_700_000_000_000
    assert uuid.UUID(Template("{{.UUID}}").fill(CALL)).version == 4


def test_functions() -> None:
    integers = {int(Template("{{randomInt 3 6}}").fill(CALL)) for _ in range(200)}
    assert integers == {3, 4, 5}
    assert len(Template("{{randomString 8 }}").fill(CALL)) == 8
    assert 2 <= len(Template("{{randomString 0}}").fill(CALL)) <= 16
    assert Template("{{newUUID}}").fill(CALL) != Template("{{newUUID}}").fill(CALL)


def test_what_has_no_action_is_fixed() -> None:
    assert Template('{"graph": "(sofa {red})"}').fixed and not Template("{{newUUID}}").fixed


@pytest.mark.parametrize(
    "text", ["{{.Number}}", "{{upper .UUID}}", "{{randomInt 5}}", "{{randomInt 5 5}}", "{{randomString x}}"]
)
def test_unknown_actions_are_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Template("before " + text)
    assert text in str(refused.value)
