"""Compositional evaluation: captions made false by one change, and how often the true one is preferred.

The same generator gives training its hard negatives.
"""

from scenograph.data.compositional.corpus import Corpus
from scenograph.data.compositional.generate import negatives
from scenograph.data.compositional.negative import KINDS, Kind, Negative

__all__ = ["KINDS", "Corpus", "Kind", "Negative", "negatives"]
