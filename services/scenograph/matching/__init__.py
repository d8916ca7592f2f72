"""The matching service: lays a query's graph on candidate graphs and says what met what.

`app.py` is the service, `compare.py` compares parts with the pack's matcher, the rest speaks gRPC.
"""
