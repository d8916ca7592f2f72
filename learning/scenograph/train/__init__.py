"""The trainer of all that learns by gradient, the tasks that it trains, and the way from a recipe to a model.

`run.train_method` trains a method of any family; torch is imported only where it is needed.
"""
