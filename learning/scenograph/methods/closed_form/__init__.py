"""Methods solved by one decomposition: the CCA family, semantic matching, and spectral or boosted hashing.

One file a family; each solver is registered and gives a `LinearProjector`. No torch.
"""
