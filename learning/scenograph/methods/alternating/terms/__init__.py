"""The terms that a shallow hashing recipe may add up, by name; each is quadratic in V and in B.

`@terms("project.v1")` registers one; its parameters come from the recipe's table.
"""
