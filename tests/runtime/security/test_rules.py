"""The table of rights: whole, and true to the requests and answers that it names fields of."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from hypothesis import given
from hypothesis import strategies as st
from tests.e2e.test_every_rpc import SERVICES

from scenograph.runtime.principal import SYSTEM, Principal, Role
from scenograph.runtime.security.rules import (
    EVERYWHERE,
    REFLECTION,
    RULES,
    SOMEWHERE,
    Rule,
    count,
    rule_of,
    values,
)
from scenograph.scene.errors import PermissionDenied
from scenograph.v1 import gateway_pb2 as pb
from scenograph.v1 import index_pb2

METHODS = {
    f"/{service.full_name}/{method.name}": method for service in SERVICES for method in service.methods
}


def field(message: Descriptor | None, path: str) -> bool:
    assert message is not None
    name, _, rest = path.partition(".")
    found = message.fields_by_name.get(name)
    return found is not None and (not rest or field(found.message_type, rest))


def test_every_method_has_a_rule_and_no_other() -> None:
    assert set(RULES) == {*METHODS, f"/{REFLECTION}/ServerReflectionInfo"}


@pytest.mark.parametrize("path", METHODS)
def test_rules_name_fields_that_are_there(path: str) -> None:
    method: MethodDescriptor = METHODS[path]
    rule = RULES[path]
    if rule.collection not in (SOMEWHERE, EVERYWHERE):
        assert field(method.input_type, rule.collection)
    assert not rule.ids or field(method.input_type, rule.ids)
    assert not rule.reads or field(method.output_type, rule.reads)


def test_what_names_a_collection_is_looked_at() -> None:
    for path, method in METHODS.items():
        if field(method.input_type, "collection") or field(method.input_type, "search.collection"):
            assert RULES[path].collection != SOMEWHERE, path


def test_a_method_without_a_rule_is_for_nobody() -> None:
    with pytest.raises(PermissionDenied, match="has no rule"):
        rule_of("/scenograph.v1.GatewayService/Later")


def test_roles() -> None:
    photos = Principal("web", {"photos": Role.WRITER, "private": Role.NONE, "*": Role.READER})
    Rule(Role.WRITER, "collection").check(photos, "photos")
    Rule(Role.READER, "collection").check(photos, "other")
    Rule(Role.WRITER).check(photos, "")
    for rule, collection in (
        (Rule(Role.ADMIN, "collection"), "photos"),
        (Rule(Role.READER, "collection"), "private"),
        (Rule(Role.WRITER, EVERYWHERE), "photos"),
        (Rule(Role.ADMIN), ""),
    ):
        with pytest.raises(PermissionDenied, match="'web' needs the role"):
            rule.check(photos, collection)
    for rule in RULES.values():
        rule.check(SYSTEM, "anything")
    with pytest.raises(PermissionDenied):
        Rule(Role.READER, "collection").check(Principal("tenant", {"mine": Role.ADMIN}), "")


def test_the_collection_of_a_request() -> None:
    snapshots = RULES["/scenograph.v1.IndexService/ListSnapshots"]
    assert snapshots.named(index_pb2.ListSnapshotsRequest()) == EVERYWHERE
    assert snapshots.named(index_pb2.ListSnapshotsRequest(collection="photos")) == "photos"
    stream = pb.SearchStreamRequest(search=pb.SearchRequest(collection="photos"))
    assert RULES["/scenograph.v1.GatewayService/SearchStream"].named(stream) == "photos"


def test_ids_of_items() -> None:
    batch = pb.BatchIngestRequest(items=[pb.Item(id="a"), pb.Item(id="b")])
    assert list(values(batch, RULES["/scenograph.v1.GatewayService/BatchIngest"].ids)) == ["a", "b"]
    assert list(values(pb.GetItemRequest(id="a"), "id")) == ["a"]


@given(st.lists(st.text(max_size=300), max_size=30), st.text(max_size=20), st.booleans())
def test_hits_are_counted_in_written_answers_too(ids: list[str], token: str, report: bool) -> None:
    answer = pb.SearchResponse(hits=[pb.Hit(item_id=one) for one in ids], next_page_token=token)
    if report:
        answer.report.considered = 7
        answer.report.timings.add(stage="total")
    assert count(answer, "hits") == len(ids)
    assert count(answer.SerializeToString(), "hits") == len(ids)
    assert count(answer.SerializeToString() + answer.SerializeToString()[:0], "hits") == len(ids)


def test_items_given_away() -> None:
    assert count(pb.GetItemResponse(), "item") == 0
    assert count(pb.GetItemResponse(item=pb.StoredItem()), "item") == 1
    page = pb.SearchResponse(hits=[pb.Hit(), pb.Hit()])
    assert count(pb.SearchStreamResponse(page=page, final=True), "page.hits") == 2
    assert count(pb.SearchStreamResponse(page=page), "page.hits") == 0
    assert count(pb.ServerInfoResponse(), "") == 0
