"""The inference service: this process' models by name, over the Open Inference Protocol v2.

`models` and `composed` are what can be run, `app` runs it, `servicer` and `converters` are its gRPC side.
"""
