"""The admin service: packs loaded, switched and unloaded while calls go on; collections re-encoded.

`app.py` decides, `servicer.py` speaks gRPC; what loads a pack and what re-encodes is handed in.
"""
