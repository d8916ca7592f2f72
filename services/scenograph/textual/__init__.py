"""The textual graph service: sentences in, scene graphs out. `app` parses, `servicer` speaks gRPC, and
`converters` sits between them.
"""
