"""What happens around every call on every server, one concern a file.

`around.py` alone knows gRPC's four kinds of calls; the others say what to do before and after.
"""
