"""Weights of the default pack's trained heads, each with a card that says how it was made: what
`scenograph.packs.build` puts into a pack.
"""
