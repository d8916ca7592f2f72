"""Load on servers, and benchmarks of their parts beside what there is without them.

`load` drives any gRPC method as a ghz config says. `encode`, `index` and `match` measure parts of
scenograph itself.
"""
