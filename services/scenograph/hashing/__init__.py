"""The hashing service: binary codes from vectors.

`app` is the domain (contracts.Hashing), `servicer` and `converters` are its gRPC side.
"""
