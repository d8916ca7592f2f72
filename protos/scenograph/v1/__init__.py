"""scenograph's gRPC contract: messages and stubs generated from the .proto files beside this one.

`make proto` regenerates them; only services and clients import them.
"""
