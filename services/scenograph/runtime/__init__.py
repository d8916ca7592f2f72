"""What every service shares: contracts, converters, server start and drain, interceptors, settings,
cache, ONNX sessions.

Nothing here knows what a particular service does.
"""
