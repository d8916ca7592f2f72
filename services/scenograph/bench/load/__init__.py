"""A load generator that reads ghz's configs: `config`, `schedule` and `template` are what a config says.

`driver.run_load` starts the processes, each of which is a `worker`; `summary` makes figures of `samples`.
"""
