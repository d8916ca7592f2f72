"""Compositional evaluation: captions made false by one change, and how often the true one is preferred.

The same generator gives training its hard negatives.
"""

from scenograph.data.compositional.accuracy import Accuracy, by_kind
from scenograph.data.compositional.blind import Blind
from scenograph.data.compositional.cases import Case, make_cases, read_cases, read_sugarcrepe, write_cases
from scenograph.data.compositional.corpus import Corpus
from scenograph.data.compositional.generate import negatives
from scenograph.data.compositional.negative import KINDS, Kind, Negative

__all__ = [
    "KINDS",
    "Accuracy",
    "Blind",
    "Case",
    "Corpus",
    "Kind",
    "Negative",
    "by_kind",
    "make_cases",
    "negatives",
    "read_cases",
    "read_sugarcrepe",
    "write_cases",
]
