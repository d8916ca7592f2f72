"""The index on Milvus, behind the same interface as the one in a folder (contracts.Index).

`app` is the interface; `writing`, `reading` and `searching` what it does; `rows`, `terms` and `expressions`
how items, metadata and filters are said to Milvus; `server` the only module that calls it.
"""
