"""The encoder service: images, texts and scene graphs as vectors of one space.

`app` is the domain (contracts.Encoder), `servicer` and `converters` are its gRPC side.
"""
