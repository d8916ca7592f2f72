"""Datasets of the field behind one protocol, and the cache of frozen features.

No torch here: recipes, evaluators and the closed-form methods read data without it.
"""

from scenograph.data.cache import FeatureCache
from scenograph.data.card import DatasetCard
from scenograph.data.contracts import CaptionDataset, CaptionSplit, FeatureDataset, FeatureSplit
from scenograph.data.datasets import dataset_card, dataset_names, load_captions, load_dataset, load_features
from scenograph.data.digests import digest_files, digest_of, digest_texts
from scenograph.data.tokens import TextFeatures, TokenStates
from scenograph.data.views import FLIP, ORIGINAL, View, random_crop

__all__ = [
    "FLIP",
    "ORIGINAL",
    "CaptionDataset",
    "CaptionSplit",
    "DatasetCard",
    "FeatureCache",
    "FeatureDataset",
    "FeatureSplit",
    "TextFeatures",
    "TokenStates",
    "View",
    "dataset_card",
    "dataset_names",
    "digest_files",
    "digest_of",
    "digest_texts",
    "load_captions",
    "load_dataset",
    "load_features",
    "random_crop",
]
