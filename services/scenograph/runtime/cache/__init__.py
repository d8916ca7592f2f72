"""Caches of computed answers: in this process or in Redis, behind one interface.

A cache never fails a call: Redis out of reach means computing again.
"""
