"""Shallow hashing methods as sums of quadratic terms, minimised block by block.

`solver.py` alternates; `terms/` holds what a recipe may add up; `method.py` makes it a trained method.
"""
