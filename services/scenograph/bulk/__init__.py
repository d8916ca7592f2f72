"""Bulk ingest: large folders, Parquet and WebDataset shards, sent to gateways by Ray Data workers.

What was sent is kept in a ledger, so that a run that was ended goes on from there. Imports the client alone;
Ray and Arrow where they are used.
"""
