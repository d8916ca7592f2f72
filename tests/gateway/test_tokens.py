"""Page tokens: read back as written, refused when changed or foreign."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenograph.gateway.tokens import PageToken, read_token, write_token
from scenograph.scene.errors import InvalidPageToken

REQUEST = b"r" * 32
tokens = st.builds(
    PageToken,
    st.just(REQUEST),
    st.text(max_size=64),
    st.integers(0, 10_000),
    st.binary(min_size=8, max_size=8),
)


@given(tokens)
def test_a_token_is_read_back_as_written(token: PageToken) -> None:
    assert read_token(write_token(token), REQUEST) == token


@given(tokens, st.data())
def test_a_changed_token_is_refused(token: PageToken, data: st.DataObject) -> None:
    text = write_token(token)
    place = data.draw(st.integers(0, len(text) - 2))  # the last character may hold unused bits
    other = data.draw(st.sampled_from("ABCabc019-_").filter(lambda letter: letter != text[place]))
    with pytest.raises(InvalidPageToken):
        read_token(text[:place] + other + text[place + 1 :], REQUEST)


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidPageToken):
        read_token(text, REQUEST)


def test_a_token_of_another_search_is_refused() -> None:
    text = write_token(PageToken(REQUEST, "key", 10, b"order..."))
    with pytest.raises(InvalidPageToken, match="another search"):
        read_token(text, b"s" * 32)
