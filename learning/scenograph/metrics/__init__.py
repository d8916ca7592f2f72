"""Numpy metrics: what is reported of detectors, retrieval and codes, free of torch.

Each is tested against a slow, obvious computation.
"""
