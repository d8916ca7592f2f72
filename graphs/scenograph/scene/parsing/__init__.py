"""From sentences to scene graphs, by rules over a spaCy dependency parse: objects with attributes and counts,
relations in participle form ("riding", "sitting on"), negation kept. `TextParser` is what others use.
"""

from scenograph.scene.parsing.parser import MAX_TEXT_CHARS, TextParser, check_text, load_parser

__all__ = ["MAX_TEXT_CHARS", "TextParser", "check_text", "load_parser"]
