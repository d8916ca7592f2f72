"""The gateway: the one service that clients need.

It takes items in, ranks them in three stages, and says why.

`app.py` puts the parts together; each part is a module of its own and knows the other services by their
Protocols only. `servicer.py` and `converters.py` are the only modules that know protobuf.
"""
