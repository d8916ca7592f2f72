"""Datasets of the field behind one protocol, and the cache of frozen features.

No torch here: recipes, evaluators and the closed-form methods read data without it.
"""
