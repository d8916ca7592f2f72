"""Scene graphs and their language: domain types and errors, the vocabulary, the text parser, graph queries,
geometry of boxes, and words for graphs. Light: spaCy, lark and numpy, no torch.
"""
