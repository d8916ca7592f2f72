"""The field's published methods as recipes, and the solvers that need no gradient.

A method is a TOML recipe `<key>.toml` beside this file; what it names is a registered component.
"""
