"""URLs of a Milvus, and names and texts as they are said to it."""

from __future__ import annotations

import pytest

from scenograph.index.milvus.address import Address, parse_address
from scenograph.index.milvus.expressions import literal, texts
from scenograph.index.milvus.schema import milvus_name, own_name
from scenograph.scene.errors import InvalidInput


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("milvus://host", Address("http://host:19530")),
        ("milvus://10.0.0.1:7/", Address("http://10.0.0.1:7")),
        ("milvus://[::1]:7/db", Address("http://[::1]:7", database="db")),
        ("milvus+https://me:p%40ss@host:443/db", Address("https://host:443", "me:p@ss", "db")),
    ],
)
def test_addresses(url: str, address: Address) -> None:
    assert parse_address(url) == address
    assert "p@ss" not in repr(parse_address(url))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host:19530",
        "http://host",
        "milvus://",
        "milvus://host:port",
        "milvus://host/a/b",
        "milvus://h?x=1",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InvalidInput, match="not a usable index URL"):
        parse_address(url)


def test_a_bad_url_does_not_show_its_password() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_address("milvus://me:secret@host/a/b")
    assert "secret" not in str(caught.value)


def test_names_come_back() -> None:
    names = ["photos", "a-b_c", "0--", "h-h"]
    assert [own_name(milvus_name(name)) for name in names] == names
    assert len({milvus_name(name) for name in ("a-b", "a_b", "ahb")}) == 3
    assert own_name("somebodys") is None


def test_texts_cannot_end_their_quotes() -> None:
    assert texts(['a"] or kind >= 0 //', "\\", "é😀\n"]) == (
        '["a\\u0022] or kind >= 0 //", "\\u005c", "\\u00e9\\U0001f600\\u000a"]'
    )
    assert (literal(5), literal(1e300), literal("x")) == ("5.0", "1e+300", '"x"')
