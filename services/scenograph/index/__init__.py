"""The index service: durable records in SQLite, codes and embeddings in memory, searched with FAISS' Hamming
kernels.

`app` is the domain (contracts.Index), `store` one collection, `servicer` and `converters` the gRPC side.
"""
