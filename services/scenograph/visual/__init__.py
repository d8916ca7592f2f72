"""The visual graph service: scene graphs from images.

`app` is the domain (contracts.VisualGraphs), `servicer` and `converters` are its gRPC side.
"""
