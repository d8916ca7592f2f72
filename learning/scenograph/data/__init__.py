"""Datasets of the field behind one protocol, and the cache of frozen features.

No torch here: recipes, evaluators and the closed-form methods read data without it.
"""

from scenograph.data.card import DatasetCard
from scenograph.data.contracts import CaptionDataset, CaptionSplit, FeatureDataset, FeatureSplit
from scenograph.data.datasets import dataset_card, dataset_names, load_captions, load_dataset, load_features

__all__ = [
    "CaptionDataset",
    "CaptionSplit",
    "DatasetCard",
    "FeatureDataset",
    "FeatureSplit",
    "dataset_card",
    "dataset_names",
    "load_captions",
    "load_dataset",
    "load_features",
]
