"""The metadata filter language: parsed with lark, evaluated over columns that are built from the records'
metadata.

The language is described in docs/guides/filters.md.
"""

from scenograph.index.filters.evaluating import matching_slots
from scenograph.index.filters.parsing import parse_filter
from scenograph.index.filters.syntax import Filter

__all__ = ["Filter", "matching_slots", "parse_filter"]
