"""Training of the default pack's own weights, from captioned photographs to `packs/heads`.

`python -m scenograph.packs.training --help`; `make train-default` runs it all in order.
"""
